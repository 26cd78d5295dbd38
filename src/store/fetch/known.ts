import { join } from 'node:path';
import { ProblemError } from '../../domain/problem.ts';
import type { RemoteFile } from '../../domain/weights.ts';
import type { Context } from '../context.ts';
import { makeFolder } from '../disk.ts';
import { digestOf } from '../hash/file.ts';
import { TryAgain } from '../http/retry.ts';
import { lockOrDone } from '../lock.ts';
import type { Download, FetchIo } from '../types.ts';
import { checkRoom, claimRest } from '../room.ts';
import type { Course } from './course.ts';
import { publish } from './publish.ts';
import { receive } from './receive.ts';
import { openSpool, type Spool } from './spool.ts';

/** Fetches a file of known content, unless `done` tells that it is here. */
export async function fetchKnown(
  context: Context,
  file: RemoteFile,
  download: Download,
  io: FetchIo,
  done: () => Promise<boolean>,
): Promise<void> {
  const told = { what: download.what, bytes: file.bytes, io };
  const lock = await lockOrDone(context, file.sha256, told, done);
  try {
    // Whoever had the lock may have finished between the last look and its release.
    if (lock && !(await done())) await fetchLocked(context, file, download, io);
    io.progress(file.bytes, file.bytes);
  } finally {
    lock?.release();
  }
}

async function fetchLocked(context: Context, file: RemoteFile, download: Download, io: FetchIo): Promise<void> {
  await checkRoom(context, [file]);
  await makeFolder(context.layout.partial);
  const spool = await openSpool(join(context.layout.partial, file.sha256));
  const giveBack: (() => void)[] = [];
  try {
    if (spool.length() > file.bytes) await spool.empty();
    giveBack.push(await claimRest(context, file.sha256, file.bytes, () => spool.length()));
    giveBack.push(await context.lanes.take(io.signal));
    await receiveVerified(context, file, download, io, spool);
    await publish(context, file.sha256, file.sha256, spool);
  } finally {
    for (const give of giveBack) give();
    await spool.close();
  }
}

/** A wrong digest is worth one more try, of the whole file: the earlier part of a cut download may have been damaged, or come from another version. */
async function receiveVerified(context: Context, file: RemoteFile, download: Download, io: FetchIo, spool: Spool): Promise<void> {
  const digests: string[] = [];
  for (const last of [false, true]) {
    spool.onWritten(() => io.progress(spool.length(), file.bytes));
    const follower = spool.follow();
    await receive(courseOf(context, file, download, io, spool));
    const digest = await digestOf(follower, io.signal, () => io.progress(file.bytes, file.bytes));
    if (digest === file.sha256) return;
    digests.push(digest);
    await spool.empty();
    if (!last) io.note?.(`${download.what}: what was fetched is corrupt (SHA-256 ${digest}); fetching all of it once more.`);
  }
  throw corrupt(file, download, digests);
}

function courseOf({ tuning, env }: Context, file: RemoteFile, download: Download, io: FetchIo, spool: Spool): Course {
  let ranges = true;
  return {
    download,
    io,
    spool,
    tuning,
    env,
    bytes: () => file.bytes,
    rangeHeaders: () => (ranges && spool.length() > 0 ? { range: `bytes=${spool.length()}-` } : null),
    // The digest tells in the end whether the parts belong together.
    begin: (_answer, part) =>
      part.from <= spool.length()
        ? Promise.resolve()
        : Promise.reject(new TryAgain('sends a part from too far behind', { distrust: true })),
    distrust: () => {
      ranges = false;
      return Promise.resolve();
    },
  };
}

function corrupt(file: RemoteFile, { what }: Download, digests: readonly string[]): ProblemError {
  const same = new Set(digests).size === 1;
  return new ProblemError({
    code: 'weights-corrupt-download',
    summary: `${what} arrived corrupt twice, and was thrown away: its SHA-256 is ${digests.at(-1)}, not ${file.sha256} as pinned.`,
    fix: same
      ? 'Both times the same bytes came: the file was replaced there, or the lock is wrong. Pin the new one with `llmops lock --upgrade` if that was meant.'
      : 'Each time other bytes came: something on the way damages them. Try another network, or a mirror.',
  });
}
