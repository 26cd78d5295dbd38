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

/** Throws a ProblemError `disk-full` unless the missing bytes of these files fit beside the reserve and what other downloads were promised. */
export async function checkRoom(context: Context, files: readonly RemoteFile[]): Promise<void> {
  const missing = await Promise.all(files.map(async (file) => file.bytes - (await partialBytes(context, file))));
  const keys = new Set(files.map(({ sha256 }) => sha256));
  await checkBytes(
    context,
    missing.reduce((sum, bytes) => sum + bytes, 0),
    keys,
  );
}

/** As {@link checkRoom}, and keeps that room until it is given back. */
export async function claimRoom(context: Context, files: readonly RemoteFile[]): Promise<() => void> {
  const wanted = await Promise.all(
    files.map(async (file) => {
      const missing = file.bytes - (await partialBytes(context, file));
      return [file.sha256, () => missing] as const;
    }),
  );
  return await context.claims.claim(new Map(wanted), () => checkRoom(context, files));
}

/** As {@link claimRoom}, for a file that is being written: what it has already is in what the disk says. */
export async function claimRest(context: Context, key: string, total: number, length: () => number): Promise<() => void> {
  const rest = (): number => total - length();
  return await context.claims.claim(new Map([[key, rest]]), () => checkBytes(context, rest(), new Set([key])));
}

/** What the disk of the store has left. */
export async function room({ layout, freeBytes, tuning }: Context): Promise<Room> {
  return { dir: layout.dir, freeBytes: await freeBytes(layout.dir), reserveBytes: tuning.reserveBytes };
}

/** `keys`: whose bytes these are. */
async function checkBytes(context: Context, needed: number, keys: ReadonlySet<string>): Promise<void> {
  if (needed === 0) return;
  const { freeBytes: free, reserveBytes: reserve } = await room(context);
  const claimed = context.claims.others(keys);
  if (free >= needed + reserve + claimed) return;
  const stored = await list(context);
  const held = stored.reduce((sum, { bytes }) => sum + bytes, 0);
  throw noRoom(context.layout.dir, { needed, reserve, claimed, free, held, files: stored.length });
}
