import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isOutOfFiles, ProblemError, problemOf } from '../domain/problem.ts';
import { identityOf } from './locate.ts';
import type { WeightFile } from './locate.ts';

const CHUNK_BYTES = 1024 * 1024;

/** SHA-256 (hex) of each file. Throws a ProblemError: `weights-changed`, `weights-unreadable`, `cancelled`. */
export async function digestsOf(
  files: readonly WeightFile[],
  signal: AbortSignal,
  progress: (done: number) => void,
): Promise<readonly string[]> {
  const digests: string[] = [];
  let done = 0;
  for (const file of files) {
    const hash = createHash('sha256');
    const handle = await openWeights(file);
    try {
      await feed(hash, handle, file.bytes, signal, (bytes) => progress((done += bytes)));
    } catch (error) {
      throw error instanceof ProblemError ? error : unreadable(file, error);
    } finally {
      await handle.close();
    }
    await refuseIfChanged(file);
    digests.push(hash.digest('hex'));
  }
  return digests;
}

/** Opens a file that was found before. Throws a ProblemError `weights-unreadable`. */
export async function openWeights(file: WeightFile): Promise<FileHandle> {
  return await open(file.path, 'r').catch((error: unknown) => {
    throw unreadable(file, error);
  });
}

/** A file that is still being copied would get a digest that is true of nothing. Throws a ProblemError `weights-changed`. */
async function refuseIfChanged(file: WeightFile): Promise<void> {
  const now = await stat(file.path, { bigint: true }).catch(() => null);
  if (now !== null && identityOf(file.path, now) === file.identity) return;
  throw new ProblemError({
    code: 'weights-changed',
    summary: `The weights ${file.path} changed while they were read.`,
    fix: 'Wait until whatever writes them is done, then run the same command again.',
  });
}

/** Reads `size` bytes and no more: a file that grows as fast as it is read would never end. */
async function feed(hash: Hash, handle: FileHandle, size: number, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let left = size; left > 0;) {
    if (signal.aborted)
      throw new ProblemError({ code: 'cancelled', summary: 'Stopped while reading weights. Nothing was changed.' }, signal.reason);
    const { bytesRead } = await handle.read(buffer, 0, Math.min(CHUNK_BYTES, left));
    if (bytesRead === 0) return;
    hash.update(buffer.subarray(0, bytesRead));
    left -= bytesRead;
    progress(bytesRead);
  }
}

/** The problem of a file that was found and cannot be read. */
export function unreadable(file: WeightFile, error: unknown): ProblemError {
  if (isOutOfFiles(error)) return new ProblemError(problemOf(error), error);
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new ProblemError(
    {
      code: 'weights-unreadable',
      summary: `The weights ${file.path} cannot be read (${code}).`,
      fix: 'Give this user the right to read them.',
    },
    error,
  );
}
