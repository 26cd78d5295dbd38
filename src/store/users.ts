import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from './context.ts';
import { makeFolder, onDisk, syncFolder } from './disk.ts';
import { refuseIfStopped } from './hash/file.ts';
import { sha256Of, type Layout } from './layout.ts';
import { tryLock } from './lock.ts';
import type { StoreUser, StoreUsers } from './types.ts';

/** Only its holder changes what is on record, or removes what nobody uses. */
const LOCK = 'users';
const NEVER = new AbortController().signal;

/** Records what a stack uses, before it uses it. Nothing is written if that is on record already. */
export async function noteUser(context: Context, user: StoreUser): Promise<void> {
  const path = pathOf(context.layout, user.stateDir);
  const text = `${JSON.stringify({ formatVersion: '1.0', ...user, digests: [...new Set(user.digests)].sort() }, null, 2)}\n`;
  if ((await readFile(path, 'utf8').catch(() => null)) === text) return;
  await alone(context, NEVER, () => write(context.layout, path, text));
}

/** All that is on record; and the records that cannot be read: nobody knows what their stacks use. */
export async function readUsers({ layout }: Context): Promise<StoreUsers> {
  const names = await onDisk(layout.users, () => readdir(layout.users).catch(unlessMissing));
  const users: StoreUser[] = [];
  const unreadable: string[] = [];
  for (const name of names.filter((each) => each.endsWith('.json')).sort()) {
    const path = join(layout.users, name);
    const text = await readFile(path, 'utf8').catch(() => '');
    const user = parse(text);
    if (user === null) unreadable.push(path);
    else users.push(user);
  }
  return { users, unreadable };
}

/** Takes a stack off the record. False: it was not on it. */
export async function forgetUser(context: Context, stateDir: string): Promise<boolean> {
  const path = pathOf(context.layout, stateDir);
  if ((await readFile(path).catch(() => null)) === null) return false;
  await alone(context, NEVER, () => onDisk(path, () => rm(path, { force: true }).then(() => syncFolder(context.layout.users))));
  return true;
}

/** Runs work while nobody else puts a stack on record. Throws `cancelled`. */
export async function alone<T>(context: Context, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    refuseIfStopped(signal);
    const lock = await tryLock(context, LOCK);
    if (lock) return await work().finally(() => lock.release());
    await pause(context.tuning.lockPollMs);
  }
}

function pathOf({ users }: Layout, stateDir: string): string {
  return join(users, `${sha256Of(stateDir).slice(0, 32)}.json`);
}

/** Whole and durable, or not at all. */
async function write({ users }: Layout, path: string, text: string): Promise<void> {
  await makeFolder(users);
  await onDisk(path, async () => {
    const draft = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
    try {
      await writeFile(draft, text, { mode: 0o600, flush: true });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined); // the first error is the one to tell
      throw error;
    }
    await syncFolder(users);
  });
}

function parse(text: string): StoreUser | null {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof StoreUser | 'formatVersion', unknown>>;
    const { formatVersion, stateDir, lock, digests } = value;
    const isKnown = typeof formatVersion === 'string' && formatVersion.startsWith('1.');
    if (!isKnown || typeof stateDir !== 'string' || (lock !== null && typeof lock !== 'string') || !Array.isArray(digests)) return null;
    return { stateDir, lock, digests: digests.map(String) };
  } catch {
    return null;
  }
}

function unlessMissing(error: NodeJS.ErrnoException): readonly string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
