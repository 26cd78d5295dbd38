import path from 'node:path';
import { mapBounded, sharing } from '../domain/bounded.ts';
import type { Artifact, Desired, GgufFacts, ModelSpec } from '../domain/desired.ts';
import type { Attached } from '../domain/kept.ts';
import { ofModel, ProblemError, problemOf } from '../domain/problem.ts';
import type { Problem } from '../domain/problem.ts';
import { readAttachments } from './attachments.ts';
import { openDigestCache } from './cache.ts';
import type { DigestCache } from './cache.ts';
import { compareDeclared } from './declared.ts';
import type { Finding } from './declared.ts';
import { bytesOf, inspect, readFacts } from './inspect.ts';
import type { Inspected } from './inspect.ts';
import { locate } from './locate.ts';
import { pinnedArtifact, type Pinned } from './pinned.ts';

export { lockFile } from './lock-file.ts';
export type { Pinned } from './pinned.ts';

/** Where to look, where to remember, and who is told. */
export interface ResolveOptions {
  /** Folder of llmops.yaml: relative paths start here, and may not leave it unless the file allows that. */
  readonly baseDir: string;
  /** Digests are remembered below it. */
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  /** Bytes read of a model's weights, of how many; not called for weights that are remembered. */
  progress(model: string, done: number, total: number): void;
  /** What llmops.lock pins. Models whose source is no file of this machine are resolved from it alone; without it they are left out. */
  readonly pinned?: Pinned;
  /** Further files that a model's options name, by key. Absent: none. */
  readonly attachments?: (model: ModelSpec) => Readonly<Record<string, string>>;
  /** Digests of such files by path, taken instead of looking at them. Absent: all are read. */
  readonly attached?: Attached;
}

/** What was found, model by model, and what is wrong. */
export interface Resolved {
  /** By name of the model; absent for a model with an error, and for one that would have to be pinned and is not. */
  readonly artifacts: Readonly<Record<string, Artifact>>;
  readonly problems: readonly Problem[];
}

/** Files are read side by side up to this number: more makes disks slower. */
const READ_AT_ONCE = 2;

/**
 * Looks at the weights of every declared model: where they are, what they are, and whether that is what was declared.
 * Throws only `cancelled`; everything else that is wrong is a problem that carries its place in llmops.yaml. Models that
 * share a file share the reading of it.
 */
export async function resolveArtifacts(desired: Desired, options: ResolveOptions): Promise<Resolved> {
  const cache = openDigestCache(path.join(options.cacheDir, 'digests'));
  const inert = new Set(desired.inertModels ?? []);
  const isPinned = ({ name }: ModelSpec) => options.pinned?.locked[name] !== undefined;
  const models = desired.models.filter((model) => (model.source.kind === 'file' || isPinned(model)) && !inert.has(model.name));
  const shared = sharing(fileOf, (model) => look(model, desired, cache, options));
  const results = await mapBounded(models, READ_AT_ONCE, (model) => resolveModel(model, shared, desired, options));
  const artifacts: Record<string, Artifact> = {};
  const problems: Problem[] = [];
  for (const [index, model] of models.entries()) {
    const result = results[index];
    if (result?.artifact) artifacts[model.name] = result.artifact;
    for (const { key, problem } of result?.findings ?? []) problems.push(ofModel(model.name, key, problem, desired.places));
  }
  return { artifacts, problems };
}

/**
 * What the header of one file tells, or of a model that is split from here on; null if it is no GGUF. Reads no more than
 * the header. Throws a ProblemError, as for a declared model.
 */
export async function readGgufFacts(file: string): Promise<GgufFacts | null> {
  return await readFacts(await locate(path.resolve(file), path.dirname(path.resolve(file)), true));
}

type Look = (model: ModelSpec) => Promise<Inspected>;

/** Models that name the same file share the look at it. */
function fileOf({ source }: ModelSpec): string {
  return source.kind === 'file' ? path.normalize(source.path) : source.written;
}

async function look(model: ModelSpec, desired: Desired, cache: DigestCache, options: ResolveOptions): Promise<Inspected> {
  if (model.source.kind !== 'file') throw new Error(`no file: ${model.source.kind}`);
  const files = await locate(model.source.path, options.baseDir, desired.allowOutside ?? false);
  const total = bytesOf(files);
  return await inspect(files, cache, options.signal, (done) => options.progress(model.name, done, total));
}

async function resolveModel(
  model: ModelSpec,
  shared: Look,
  desired: Desired,
  options: ResolveOptions,
): Promise<{ readonly artifact: Artifact | null; readonly findings: readonly Finding[] }> {
  try {
    const locked = options.pinned?.locked[model.name];
    const weights = await weightsOf(model, shared, options.pinned);
    const where = {
      baseDir: options.baseDir,
      allowOutside: desired.allowOutside ?? false,
      model: model.name,
      known: options.attached ?? {},
    };
    const { digests, findings } = await readAttachments(options.attachments?.(model) ?? {}, where);
    const artifact = Object.keys(digests).length === 0 ? weights : { ...weights, attachments: digests };
    return { artifact: findings.length === 0 ? artifact : null, findings: [...findings, ...compareDeclared(model, artifact, locked)] };
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.code === 'cancelled') throw error;
    const problem = problemOf(error);
    return { artifact: null, findings: [{ key: 'source', problem: { ...problem, summary: `Model ${model.name}: ${problem.summary}` } }] };
  }
}

async function weightsOf(model: ModelSpec, shared: Look, pinned: Pinned | undefined): Promise<Artifact> {
  const locked = pinned?.locked[model.name];
  if (model.source.kind !== 'file' && pinned && locked) return pinnedArtifact(model, locked, pinned.shelf);
  const { files, sha256, gguf } = await shared(model);
  return { source: model.source.written, path: files[0]?.path ?? '', bytes: bytesOf(files), sha256, gguf };
}
