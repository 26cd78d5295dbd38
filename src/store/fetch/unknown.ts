import { join } from 'node:path';
import type { RemoteFile } from '../../domain/weights.ts';
import type { Context } from '../context.ts';
import { makeFolder } from '../disk.ts';
import { digestOf } from '../hash/file.ts';
import type { Answer } from '../http/exchange.ts';
import type { Part } from '../http/judge.ts';
import { TryAgain } from '../http/retry.ts';
import { baseName, keyOfUrl } from '../layout.ts';
import { lockOrDone } from '../lock.ts';
import { claimRest } from '../room.ts';
import type { Download, FetchIo } from '../types.ts';
import type { Course } from './course.ts';
import { publish } from './publish.ts';
import { receive } from './receive.ts';
import { openSpool, type Spool } from './spool.ts';
import { keepValidator, readValidator, validatorOf, type Validator } from './validator.ts';

/** Fetches a file that nobody knows digest and size of, and tells them. */
export async function fetchUnknown(context: Context, name: string, download: Download, io: FetchIo): Promise<RemoteFile> {
  baseName({ path: name });
  const key = keyOfUrl(download.url);
  const lock = await lockOrDone(context, key, { what: download.what, bytes: 0, io }, () => Promise.resolve(false));
  await makeFolder(context.layout.partial);
  const spool = await openSpool(join(context.layout.partial, key));
  let giveBackRoom = (): void => undefined;
  try {
    const known = join(context.layout.partial, `${key}.json`);
    const claim = async (total: number): Promise<void> => {
      giveBackRoom();
      giveBackRoom = await claimRest(context, key, total, () => spool.length());
    };
    const course = await courseOf(context, { path: known, claim }, download, io, spool);
    const giveBackLane = await context.lanes.take(io.signal);
    await receive(course).finally(giveBackLane);
    const bytes = spool.length();
    const sha256 = await digestOf(spool.follow(), io.signal, () => io.progress(bytes, bytes));
    await publish(context, key, sha256, spool);
    await keepValidator(known, null);
    io.progress(bytes, bytes);
    return { path: name, bytes, sha256 };
  } finally {
    giveBackRoom();
    await spool.close();
    lock?.release();
  }
}

/**
 * No digest will tell in the end whether the parts belong together, so parts are joined only if the server vouches for
 * that: it gave the same strong ETag or date of last change with each.
 */
async function courseOf(
  context: Context,
  { path, claim }: { readonly path: string; readonly claim: (total: number) => Promise<void> },
  download: Download,
  io: FetchIo,
  spool: Spool,
): Promise<Course> {
  let known: Validator | null = await readValidator(path);
  spool.onWritten(() => io.progress(spool.length(), known?.total ?? 0));
  const restart = async (validator: Validator | null): Promise<void> => {
    await spool.empty();
    known = validator;
    await keepValidator(path, validator);
  };
  if (!known && spool.length() > 0) await restart(null);
  spool.follow();
  let total: number | null = known?.total ?? null;
  return {
    download,
    io,
    spool,
    tuning: context.tuning,
    env: context.env,
    bytes: () => total,
    rangeHeaders: () => (known && spool.length() > 0 ? { range: `bytes=${spool.length()}-`, 'if-range': known.value } : null),
    begin: async (answer, part) => {
      const value = validatorOf(answer.headers);
      if (part.from > 0) return refuseIfAnother(answer, part, known);
      if (spool.length() === 0 || value === null || value !== known?.value) {
        await restart(value === null ? null : { value, total: part.total });
        spool.follow();
      }
      total = part.total;
      if (total !== null) await claim(total);
    },
    distrust: async () => {
      await restart(null);
      total = null;
      spool.follow();
    },
  };
}

/** A server may take If-Range, and send a part of another version all the same. */
function refuseIfAnother({ headers }: Answer, part: Part, known: Validator | null): void {
  const value = validatorOf(headers);
  const same = (value === null || value === known?.value) && (part.total === null || part.total === known?.total);
  if (!same) throw new TryAgain('sends a part of another version of the file', { distrust: true });
}
