/**
 * The store of weights: files by their content, one store for all stacks of a user, and the downloader into it. It knows
 * nothing of models, plans or hubs; it is given digests and addresses. In its folder (`~/.cache/llmops/weights`):
 *
 *     blobs/<sha256>            whole, verified, read-only; never changed again
 *     sets/<digest>/<name>      links by which engines find them: one folder for the files of one model, named by
 *                               `weightsDigest`, so that the path is known before anything is fetched
 *     partial/<sha256>          downloads that go on or were cut off; `unknown-…` where nobody knows the digest yet, with
 *                               what the server vouched with (ETag) beside it
 *     damaged/<sha256>          what `verify` found corrupt
 *     users/<hash>.json         the stacks that use any of it: the folder of their state, their lock, digests
 *     seen/                     digests of files in the caches of other programs, which are used where they lie
 *     locks/<sha256>            empty files that carry the lock of whoever fetches; they stay
 *     tmp/                      on its way to be renamed
 *
 * All of it may be deleted at any time when no llmops runs: it costs the download, and no more. Folders are 0700.
 *
 * A file becomes visible by a rename, after its digest was found right and its bytes were flushed. A download that was cut
 * off, by the network or by kill -9, goes on by a range at the byte where the file on disk ends: less than 1 MiB comes
 * twice. What an earlier run wrote is then read again and hashed while the rest arrives. Of several processes that want
 * the same file one fetches, the others wait, and one of them goes on if it dies.
 */
import { join, resolve } from 'node:path';
import type { RemoteFile } from '../domain/weights.ts';
import { Claims, Lanes } from './claims.ts';
import type { Context } from './context.ts';
import { freeBytes, sizeOf } from './disk.ts';
import { findElsewhere } from './elsewhere.ts';
import { fetchKnown } from './fetch/known.ts';
import { fetchUnknown } from './fetch/unknown.ts';
import { checkFile, layoutOf } from './layout.ts';
import { link, pathOf } from './links.ts';
import { list } from './list.ts';
import { remove } from './remove.ts';
import { checkRoom, claimRoom, partialBytes, room } from './room.ts';
import { LANES, TUNING } from './tuning.ts';
import type { ReadIo, Store, StoreOptions } from './types.ts';
import { alone, forgetUser, noteUser, readUsers } from './users.ts';
import { verify } from './verify.ts';

export { fetchAll, type FetchProgress } from './fetch-all.ts';
export type { Download, FetchIo, Store, StoredFile, StoreOptions, StoreUser, Tuning } from './types.ts';

const NEVER: ReadIo = { signal: new AbortController().signal };

/** The store in this folder. Reads and makes nothing yet. */
export function openStore(options: StoreOptions): Store {
  const layout = layoutOf(resolve(options.dir));
  const tuning = { ...TUNING, ...options.tuning };
  const context: Context = {
    layout,
    env: options.env,
    tuning,
    freeBytes: options.freeBytes ?? freeBytes,
    claims: new Claims(),
    lanes: new Lanes(LANES),
  };
  const find = (file: RemoteFile, io: ReadIo = NEVER): Promise<string | null> => findFile(context, file, io);
  const missing = async (files: readonly RemoteFile[]): Promise<readonly RemoteFile[]> => {
    const here = await Promise.all(files.map((file) => find(file)));
    return files.filter((_, index) => here[index] === null);
  };
  return {
    find,
    partialBytes: (file) => partialBytes(context, file),
    room: () => room(context),
    checkRoom: async (files) => await checkRoom(context, await missing(files)),
    claimRoom: async (files) => await claimRoom(context, await missing(files)),
    fetch: (file, download, io) => fetchKnown(context, file, download, io, async () => (await find(file, io)) !== null),
    fetchUnknown: (name, download, io) => fetchUnknown(context, name, download, io),
    pathOf: (files) => pathOf(layout, files),
    link: (files) => link(context, files, find),
    list: () => list(context),
    remove: (keys) => remove(context, keys),
    noteUser: (user) => noteUser(context, user),
    users: () => readUsers(context),
    forgetUser: (stateDir) => forgetUser(context, stateDir),
    alone: (signal, work) => alone(context, signal, work),
    verify: (io) => verify(context, io),
  };
}

/** Ours is not read: it was verified when it came in. One of another size was tampered with, and is fetched anew. */
async function findFile(context: Context, file: RemoteFile, io: ReadIo): Promise<string | null> {
  checkFile(file);
  const ours = join(context.layout.blobs, file.sha256);
  return (await sizeOf(ours)) === file.bytes ? ours : await findElsewhere(context, file, io);
}
