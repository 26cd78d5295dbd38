import path from 'node:path';
import type { ModelSpec } from '../domain/desired.ts';
import { quantizationOfFile } from '../domain/quantization.ts';
import type { LockedModel } from '../domain/weights.ts';
import { openDigestCache } from './cache.ts';
import { openWeights, unreadable } from './digest.ts';
import { fingerprintsOf } from './fingerprints.ts';
import type { Fingerprints } from './fingerprints.ts';
import { rangesOfFile, readHeader } from './header.ts';
import { inspect } from './inspect.ts';
import { locate } from './locate.ts';
import type { WeightFile } from './locate.ts';

/** Where a file of this machine is looked for, and who is told how far the reading is. */
export interface LockFileOptions {
  readonly baseDir: string;
  readonly cacheDir: string;
  readonly allowOutside: boolean;
  readonly signal: AbortSignal;
  progress(done: number): void;
}

/** A file of this machine, or all parts of a split one, as an entry of llmops.lock. Throws a ProblemError as a plan would tell it. */
export async function lockFile(model: ModelSpec, options: LockFileOptions): Promise<LockedModel> {
  const { source } = model;
  if (source.kind !== 'file') throw new Error(`no file of this machine: ${source.written}`);
  const files = await locate(source.path, options.baseDir, options.allowOutside);
  const cache = openDigestCache(path.join(options.cacheDir, 'digests'));
  const { sha256, parts, gguf } = await inspect(files, cache, options.signal, options.progress);
  return {
    source: source.written,
    revision: null,
    quantization: gguf === null ? null : quantizationOfFile(source.path, gguf.quantization, model.quantizations),
    origin: null,
    manifest: null,
    files: files.map((file, index) => ({ path: path.basename(file.path), bytes: file.bytes, sha256: parts[index] ?? '' })),
    sha256,
    ...(gguf === null ? { chatTemplate: null, tokenizer: null } : await fingerprints(files[0] as WeightFile)),
    license: null,
    facts: gguf,
  };
}

async function fingerprints(first: WeightFile): Promise<Fingerprints> {
  const handle = await openWeights(first);
  try {
    return fingerprintsOf((await readHeader(rangesOfFile(handle), first.bytes)).metadata);
  } catch (error) {
    throw unreadable(first, error);
  } finally {
    await handle.close();
  }
}
