import { child, type Located, type Span } from '../config/located.ts';
import { parse } from '../config/parse.ts';
import { Findings, placeOf } from '../config/report.ts';
import { decode, type TextFile } from '../config/text.ts';
import type { Hash } from '../domain/canonical.ts';
import type { Place, Problem } from '../domain/problem.ts';
import { weightsDigest, type Lock } from '../domain/weights.ts';
import { entrySpots, readEngines, readEntries, versionOf } from './entries.ts';
import type { WrittenLock } from './fields.ts';
import { isNothing, RESTORE, Shape } from './shape.ts';
import { marksOf } from './tokens.ts';

/** A lock file that was read. */
export interface ParsedLock {
  /** null: see the problems. */
  readonly lock: Lock | null;
  /** Where each entry stands, by its name. */
  readonly places: Readonly<Record<string, Place>>;
  /** Everything that is wrong with the file, in its order; empty if there is a lock. */
  readonly problems: readonly Problem[];
}

/**
 * Reads llmops.lock from its text or bytes. Never throws for any content, takes bounded time, and gives either a lock or
 * all problems at once, each with its place. `path` as people should see it.
 */
export function parseLock(content: string | Uint8Array, path: string, hash: Hash): ParsedLock {
  const { written, spots, file, problems } = readWritten(content, path);
  if (written === null || file === null) return { lock: null, places: {}, problems };
  const models = Object.entries(written.models).map(
    ([name, entry]) => [name, { ...entry, sha256: weightsDigest(entry.files, hash) }] as const,
  );
  const places = [...spots].map(([name, at]) => [name, placeOf(file, at)] as const);
  return { lock: { models: record(models), engines: written.engines }, places: record(places), problems: [] };
}

/** No prototype: a name is only a name. */
function record<T>(pairs: readonly (readonly [string, T])[]): Readonly<Record<string, T>> {
  return Object.assign(Object.create(null) as Record<string, T>, Object.fromEntries(pairs));
}

interface Read {
  readonly written: WrittenLock | null;
  readonly spots: ReadonlyMap<string, Span>;
  readonly file: TextFile | null;
  readonly problems: readonly Problem[];
}

/** The file as it stands, without what follows from it. */
export function readWritten(content: string | Uint8Array, path: string): Read {
  const nothing = { written: null, spots: new Map<string, Span>(), file: null };
  const decoded = decode(path, typeof content === 'string' ? new TextEncoder().encode(content) : content);
  if ('problem' in decoded) return { ...nothing, problems: [inALock(decoded.problem)] };
  const { file } = decoded;
  const findings = new Findings();
  conflicts(file, findings);
  if (!findings.isEmpty) return { ...nothing, problems: findings.problems(file, []) };
  const { root, secrets } = parse(file, findings);
  if (findings.isEmpty) anchors(file, findings);
  const read = root !== null && findings.isEmpty ? readRoot(root, findings) : null;
  const problems = findings.problems(file, secrets).map(inALock);
  return problems.length > 0 || read === null ? { ...nothing, problems } : { ...read, file, problems };
}

/** What a merge leaves in the text where both sides changed the same lines. Said alone: the rest is two files at once. */
function conflicts(file: TextFile, findings: Findings): void {
  for (const match of file.text.matchAll(/^<{7}(?= |\r?$)/gm)) {
    findings.add({
      code: 'lock-conflict',
      summary: 'a merge left both sides here',
      expected: 'one of them',
      fix: 'Take either side whole (git checkout --ours llmops.lock, or --theirs), then run `llmops lock`: it looks up what is missing.',
      at: [match.index, match.index + 7],
      broken: true,
    });
  }
}

/** Nothing writes them into a lock, and a value that stands elsewhere cannot be reviewed. */
function anchors(file: TextFile, findings: Findings): void {
  if (!/[&*]/.test(file.text)) return;
  for (const { at, text } of marksOf(file.text).anchors) {
    const what = text.startsWith('&') ? 'an anchor (`&name`)' : 'an alias (`*name`)';
    findings.add({
      code: 'lock-anchor',
      summary: `${what} stands in a lock file`,
      expected: 'every value written out',
      fix: 'Write the value out.',
      at: [at, at + text.length],
    });
  }
}

function readRoot(root: Located, findings: Findings): Pick<Read, 'written' | 'spots'> | null {
  const shape = new Shape(findings);
  if (!checkVersion(root, shape, findings)) return null;
  shape.map(root, 'llmops.lock', ['version', 'models', 'engines']);
  const [models, engines] = [section(root, 'models', shape), section(root, 'engines', shape)];
  const written = { models: readEntries(models, shape), engines: readEngines(engines, shape) };
  return { written, spots: entrySpots(models) };
}

/** Of another version nothing else is said: what its keys mean is not known. */
function checkVersion(root: Located, shape: Shape, findings: Findings): boolean {
  const version = versionOf(root);
  if (version === 1) return true;
  const located = child(root, 'version');
  if (located === undefined)
    shape.missing(
      { ...root, at: [root.at[0], root.at[0] + 1] },
      'the file',
      'version',
      '1',
      'Put the file back as git has it, or begin it with `version: 1`.',
    );
  else
    findings.add({
      code: 'unsupported-version',
      summary: `\`version\` is ${typeof version === 'number' ? version : 'no number'}`,
      expected: '1',
      fix: typeof version === 'number' && version > 1 ? 'A newer llmops made this file: update llmops.' : RESTORE,
      at: located.at,
    });
  return located === undefined;
}

/** `models` and `engines` are always written, the second as the last key: a file that was cut off anywhere is noticed. */
function section(root: Located, key: 'models' | 'engines', shape: Shape): Located {
  const empty: Located = { at: root.at, key: null, node: { kind: 'map', members: new Map() } };
  const located = child(root, key);
  if (located === undefined) {
    shape.add('lock-torn', `\`${key}\` is missing: the file was cut off`, { ...root, at: [root.at[1], root.at[1]] }, TORN);
    return empty;
  }
  if (isNothing(located)) return empty;
  if (located.node.kind === 'map') return located;
  shape.wrongType(located, `\`${key}\``, 'a map');
  return empty;
}

const TORN = {
  expected: '`version`, `models` and `engines`, in this order',
  fix: 'Put the file back as git has it: git checkout llmops.lock',
};

const ANEW = 'Put it back as git has it, or delete it and run `llmops lock`, which looks everything up anew.';

/** What is said of YAML in general, in words that suit this file. */
const WORDS: Readonly<Record<string, { readonly expected?: string; readonly fix?: string }>> = {
  'empty-file': { expected: 'a lock file', fix: ANEW },
  'not-a-mapping': { expected: 'version, models and engines', fix: ANEW },
  'yaml-too-large': { fix: `Check that this is the right file. ${ANEW}` },
  'yaml-documents': { expected: 'one document', fix: ANEW },
  'yaml-merge-key': { fix: 'Write the keys out.' },
  'yaml-control-character': { fix: ANEW },
};

function inALock(problem: Problem): Problem {
  return { ...problem, ...(Object.hasOwn(WORDS, problem.code) ? WORDS[problem.code] : undefined) };
}
