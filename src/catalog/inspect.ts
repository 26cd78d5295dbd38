import { createHash } from 'node:crypto';
import type { GgufFacts } from '../domain/desired.ts';
import { ProblemError } from '../domain/problem.ts';
import { weightsDigest } from '../domain/weights.ts';
import type { DigestCache, Remembered } from './cache.ts';
import { digestsOf, openWeights, unreadable } from './digest.ts';
import { factsOf } from './facts.ts';
import { BadHeader, isGguf, rangesOfFile, readHeader } from './header.ts';
import type { Header } from './header.ts';
import type { WeightFile } from './locate.ts';

/** What is known of the files behind one `source`. */
export interface Inspected extends Remembered {
  readonly files: readonly WeightFile[];
}

/** Digest and facts of files, remembered or read now. Throws a ProblemError, `cancelled` among them. */
export async function inspect(
  files: readonly WeightFile[],
  cache: DigestCache,
  signal: AbortSignal,
  progress: (done: number) => void,
): Promise<Inspected> {
  const remembered = await cache.get(files);
  if (remembered) return { ...remembered, files };
  // The header comes first: hashing takes minutes, and a damaged file needs no digest.
  const gguf = await readFacts(files);
  const parts = await digestsOf(files, signal, progress);
  const sha256 = weightsDigest(
    parts.map((part) => ({ sha256: part })),
    (text) => createHash('sha256').update(text).digest('hex'),
  );
  await cache.put(files, { sha256, parts, gguf });
  return { sha256, parts, gguf, files };
}

/**
 * What the headers tell; null if the file is no GGUF and does not claim to be one. Of a split model, the first part
 * describes the model and every part has tensors. Throws a ProblemError: `weights-corrupt`, `weights-unreadable`.
 */
export async function readFacts(files: readonly WeightFile[]): Promise<GgufFacts | null> {
  const headers: Header[] = [];
  for (const file of files) {
    const handle = await openWeights(file);
    const read = rangesOfFile(handle);
    try {
      if (!/\.gguf$/i.test(file.path) && !(await isGguf(read))) return null;
      headers.push(await readHeader(read, file.bytes));
    } catch (error) {
      throw error instanceof BadHeader ? corrupt(file, error) : unreadable(file, error);
    } finally {
      await handle.close();
    }
  }
  const [first] = headers;
  const tensorBytes = headers.reduce((sum, header) => sum + header.tensorBytes, 0);
  return first ? factsOf(first.metadata, first.fileTypes, tensorBytes) : null;
}

/** Bytes of all parts. */
export function bytesOf(files: readonly WeightFile[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}

function corrupt(file: WeightFile, error: BadHeader): ProblemError {
  const summary = `${file.path} is no whole GGUF file: ${error.message}.`;
  return new ProblemError({ code: 'weights-corrupt', summary, fix: 'Fetch or copy the file again.' }, error);
}
