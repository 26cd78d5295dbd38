import { join } from 'node:path';
import type { RemoteFile, Room } from '../domain/weights.ts';
import type { Context } from './context.ts';
import { noRoom, sizeOf } from './disk.ts';
import { list } from './list.ts';

/** Bytes that an earlier run fetched. More than the file has are junk. */
export async function partialBytes({ layout }: Context, file: RemoteFile): Promise<number> {
  const bytes = (await sizeOf(join(layout.partial, file.sha256))) ?? 0;
  return bytes > file.bytes ? 0 : bytes;
}

/** Throws a ProblemError `disk-full` unless the missing bytes of these files fit beside the reserve. */
export async function checkRoom(context: Context, files: readonly RemoteFile[]): Promise<void> {
  const missing = await Promise.all(files.map(async (file) => file.bytes - (await partialBytes(context, file))));
  await checkBytes(
    context,
    missing.reduce((sum, bytes) => sum + bytes, 0),
  );
}

/** What the disk of the store has left. */
export async function room({ layout, freeBytes, tuning }: Context): Promise<Room> {
  return { dir: layout.dir, freeBytes: await freeBytes(layout.dir), reserveBytes: tuning.reserveBytes };
}

/** The same for a number of bytes. */
export async function checkBytes(context: Context, needed: number): Promise<void> {
  if (needed === 0) return;
  const { freeBytes: free, reserveBytes: reserve } = await room(context);
  if (free >= needed + reserve) return;
  const stored = await list(context);
  const held = stored.reduce((sum, { bytes }) => sum + bytes, 0);
  throw noRoom(context.layout.dir, { needed, reserve, free, held, files: stored.length });
}
