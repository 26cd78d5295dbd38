import { open } from 'node:fs/promises';
import { refuseNamedPipe } from './named-pipe.ts';

/** Of what people write; what reads it has a smaller limit of its own, and words for it. */
export const MOST_TEXT_BYTES = 16 * 2 ** 20;
/** Of a lock: ten thousand models take 10 MB. */
export const MOST_LOCK_BYTES = 64 * 2 ** 20;
/** Of what llmops wrote for itself: ten thousand models take 40 MB. */
export const MOST_DATA_BYTES = 512 * 2 ** 20;

const CHUNK_BYTES = 256 * 1024;

/**
 * Reads a file that a person named: a pipe from a shell as well, and never more than a little beyond `limit` bytes, since `/dev/zero`
 * has no end. Whoever asks finds a text that is longer than its limit, and says so. Throws what the file system throws, or NamedPipe.
 */
export async function readBounded(path: string, limit: number): Promise<Buffer> {
  await refuseNamedPipe(path);
  const file = await open(path);
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    while (bytes <= limit) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}
