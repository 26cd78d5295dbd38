import path from 'node:path';
import type { GgufFacts, ModelSpec } from '../domain/desired.ts';
import type { RemoteFile } from '../domain/weights.ts';
import { openDigestCache } from './cache.ts';
import type { ResolveOptions } from './index.ts';
import { bytesOf, inspect, readFacts } from './inspect.ts';
import { locate } from './locate.ts';

/** Weights on this machine as llmops.lock pins them: each part for itself. */
export interface PinnedFiles {
  /** In the order of their parts, by their plain names. */
  readonly files: readonly RemoteFile[];
  readonly gguf: GgufFacts | null;
}

/**
 * Looks at a `file:` source part by part. Digests are remembered, so that weights are read once and not for each look.
 * Throws a ProblemError: those of {@link locate} and `weights-corrupt`, `weights-changed`, `cancelled`.
 */
export async function pinFiles(model: ModelSpec, allowOutside: boolean, options: ResolveOptions): Promise<PinnedFiles> {
  if (model.source.kind !== 'file') throw new Error(`no file: ${model.source.kind}`);
  const cache = openDigestCache(path.join(options.cacheDir, 'digests'));
  const parts = await locate(model.source.path, options.baseDir, allowOutside);
  const gguf = await readFacts(parts);
  const total = bytesOf(parts);
  const files: RemoteFile[] = [];
  let done = 0;
  for (const part of parts) {
    const before = done;
    const { sha256 } = await inspect([part], cache, options.signal, (bytes) => options.progress(model.name, before + bytes, total));
    files.push({ path: path.basename(part.path), bytes: part.bytes, sha256 });
    done += part.bytes;
  }
  return { files, gguf };
}
