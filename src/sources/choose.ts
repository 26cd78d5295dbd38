import { ProblemError } from '../domain/problem.ts';
import { matchOf, quantizationOf } from '../domain/quantization.ts';
import { compareText, nearest } from '../domain/text.ts';
import { isModelFile, partOf, readName } from './naming.ts';

/** What is wanted of a repository. */
export interface Wanted {
  /** `owner/repo`, for people. */
  readonly repo: string;
  /** The path that was named, or null. */
  readonly file: string | null;
  /** Acceptable ones, best first; empty: whatever is usual. */
  readonly quantizations: readonly string[];
}

/** The files that are a model. */
export interface Chosen {
  /** All parts, in their order. */
  readonly paths: readonly string[];
  /** The quantization as their names tell it, in capitals: Q4_K_M, UD-Q4_K_XL; null: they do not. */
  readonly label: string | null;
}

/** What is taken where nothing is asked for. As llama.cpp does, but for guessing further. */
const USUAL = ['Q4_K_M', 'Q8_0'] as const;
const MOST_LISTED = 20;

/** One model of a repository: one file, or the parts of one that was split. `first` is its first part, there or not. */
interface Candidate {
  readonly first: string;
  readonly of: number;
  readonly label: string | null;
}

/**
 * Chooses the files of a model from all paths of a repository, in any order. Pure. Throws a ProblemError: `no-gguf`,
 * `file-not-in-repository`, `quantization-not-found`, `quantization-ambiguous`, `weights-split`.
 */
export function choose(paths: readonly string[], wanted: Wanted): Chosen {
  const there = new Set(paths);
  const candidate = wanted.file === null ? byQuantization(paths, wanted) : byName(there, wanted.file, wanted.repo);
  const parts =
    candidate.of === 1 ? [candidate.first] : Array.from({ length: candidate.of }, (_, index) => partOf(candidate.first, index + 1));
  const missing = parts.filter((part) => !there.has(part));
  if (missing.length > 0) throw incomplete(wanted.repo, parts.length, missing);
  return { paths: parts, label: candidate.label };
}

function byName(there: ReadonlySet<string>, file: string, repo: string): Candidate {
  if (!there.has(file)) throw notThere(there, file, repo);
  if (!/\.gguf$/i.test(file)) throw noGguf(repo, `${file} of ${repo} is no GGUF file`);
  const { label, part } = readName(file);
  if (part !== null && part.number !== 1) {
    throw new ProblemError({
      code: 'weights-split',
      summary: `${file} of ${repo} is part ${part.number} of a model that is split into ${part.of} files. Nothing was changed.`,
      expected: 'the first part',
      fix: `Name hf:${repo}/${partOf(file, 1)} in \`source\`.`,
    });
  }
  return { first: file, of: part?.of ?? 1, label };
}

function byQuantization(paths: readonly string[], { repo, quantizations }: Wanted): Candidate {
  const candidates = candidatesIn(paths);
  if (candidates.length === 0) throw noGguf(repo, `${repo} has no model as a GGUF file: ${kindsIn(paths)}`);
  const asked = quantizations.length === 0 ? USUAL : quantizations;
  for (const quantization of asked) {
    const matching = bestMatches(candidates, quantization);
    if (matching.length > 1) throw ambiguous(repo, quantization, matching);
    if (matching[0]) return matching[0];
  }
  if (quantizations.length === 0 && candidates.length === 1 && candidates[0]) return candidates[0];
  throw notFound(repo, quantizations, candidates);
}

/** The models of a repository, sorted by path. */
function candidatesIn(paths: readonly string[]): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const path of paths.filter(isModelFile)) {
    const { label, part } = readName(path);
    const first = part === null ? path : partOf(path, 1);
    found.set(first, { first, of: part?.of ?? 1, label });
  }
  return [...found.values()].sort((a, b) => compareText(a.first, b.first));
}

function bestMatches(candidates: readonly Candidate[], quantization: string): readonly Candidate[] {
  for (const grade of [0, 1, 2]) {
    const matching = candidates.filter(({ label }) => label !== null && matchOf(label, quantization) === grade);
    if (matching.length > 0) return matching;
  }
  return [];
}

function incomplete(repo: string, of: number, missing: readonly string[]): ProblemError {
  const [first] = missing;
  return new ProblemError({
    code: 'weights-split',
    summary: `The model is split into ${of} files, and ${repo} does not have ${missing.length === 1 ? first : `${missing.length} of them, beginning with ${first}`}. Nothing was changed.`,
    fix: 'Take another quantization or another repository: this model was not uploaded whole.',
    ...(missing.length > 1 && { details: listed(missing) }),
  });
}

function notThere(there: ReadonlySet<string>, file: string, repo: string): ProblemError {
  const models = [...there].filter(isModelFile).sort(compareText);
  const { label } = readName(file);
  // One letter more or less makes another quantization: a guess must not lead there.
  const alike = label === null ? models : models.filter((path) => readName(path).label === label);
  const guess = models.find((path) => path.endsWith(`/${file}`)) ?? nearest(file, alike);
  return new ProblemError({
    code: 'file-not-in-repository',
    summary: `${repo} has no file ${file}. Nothing was changed.`,
    fix: guess === null ? `Name one of its files: hf:${repo}/FILE` : `Did you mean hf:${repo}/${guess}?`,
    details: listed(models),
  });
}

function ambiguous(repo: string, quantization: string, matching: readonly Candidate[]): ProblemError {
  return new ProblemError({
    code: 'quantization-ambiguous',
    summary: `${repo} has ${matching.length} models that are ${quantization}. Nothing was changed.`,
    fix: `Name one in \`source\`: hf:${repo}/${matching[0]?.first}`,
    details: listed(matching.map(({ first }) => first)),
  });
}

function notFound(repo: string, quantizations: readonly string[], candidates: readonly Candidate[]): ProblemError {
  const labels = [...new Set(candidates.map(({ label }) => quantizationOf(label, [])).filter((label) => label !== null))];
  const asked = quantizations.length === 0 ? `neither ${USUAL.join(' nor ')}, and more than one model` : `no ${quantizations.join(', ')}`;
  return new ProblemError({
    code: 'quantization-not-found',
    summary: `${repo} has ${asked}. Nothing was changed.`,
    ...(labels.length > 0 && { expected: labels.join(', ') }),
    fix: `${labels.length > 0 ? 'Set `quantization` to one of those, or name' : 'Name'} a file in \`source\`: hf:${repo}/${candidates[0]?.first}`,
    details: listed(candidates.map(({ first }) => first)),
  });
}

function noGguf(repo: string, what: string): ProblemError {
  return new ProblemError({
    code: 'no-gguf',
    summary: `${what}. Nothing was changed.`,
    fix: `Name a repository of GGUF files: many are called ${repo.split('/')[1]}-GGUF.`,
  });
}

/** What a repository holds, in a few words. */
function kindsIn(paths: readonly string[]): string {
  const count = (ending: RegExp): number => paths.filter((path) => ending.test(path)).length;
  const kinds: readonly (readonly [number, string])[] = [
    [count(/\.safetensors$/), 'of safetensors (the Hugging Face form, for vLLM)'],
    [count(/\.(bin|pt|pth|ckpt)$/), 'of PyTorch'],
    [count(/\.onnx$/), 'of ONNX'],
    [count(/\.gguf$/i), 'of GGUF that go beside a model (mmproj, imatrix, drafts)'],
  ];
  const told = kinds.filter(([files]) => files > 0).map(([files, kind]) => `${files} file${files === 1 ? '' : 's'} ${kind}`);
  return told.length > 0 ? `it holds ${told.join(', ')}` : `none of its ${paths.length} files holds weights`;
}

function listed(paths: readonly string[]): readonly string[] {
  const rest = paths.length - MOST_LISTED;
  return rest > 0 ? [...paths.slice(0, MOST_LISTED), `and ${rest} more`] : paths;
}
