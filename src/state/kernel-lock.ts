import { closeSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** A lock that is held until it is let go, or until this process dies, however it dies. */
export interface KernelLock {
  release(): void;
}

/**
 * Takes the lock that belongs to this file, or tells with null that somebody else has it, in this process or in another.
 * It is a lock of the kernel (an exclusive transaction of SQLite): one that died never blocks, one that is merely stopped
 * (SIGSTOP) still holds. Nothing is ever written to the file, so there is no journal to replay. Its folder must exist, on
 * a local disk: network file systems may not lock. Throws an error with a `code` of errno, as files do.
 */
export async function tryKernelLock(path: string): Promise<KernelLock | null> {
  const { DatabaseSync: Database } = await loadSqlite();
  let database: DatabaseSync | null = null;
  try {
    createPrivately(path);
    database = new Database(path, { timeout: 0 });
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    const held = database;
    return { release: () => held.close() };
  } catch (error) {
    database?.close();
    if (isBusy(error)) return null;
    throw reasonOf(error);
  }
}

/** Node 22 warns that SQLite is experimental, on every start; what is used of it here is a lock, and people can do nothing about it. */
function loadSqlite(): Promise<typeof import('node:sqlite')> {
  return (sqlite ??= importSqlite());
}

let sqlite: ReturnType<typeof importSqlite> | null = null;

async function importSqlite(): Promise<typeof import('node:sqlite')> {
  const warn = process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    return await import('node:sqlite');
  } finally {
    process.emitWarning = warn;
  }
}

/**
 * SQLite would create it readable by all. Only when it is missing: closing any other descriptor of a locked file drops
 * the process's own POSIX locks on it.
 */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Result codes of SQLite: https://sqlite.org/rescode.html */
const BUSY = 5;
const REASONS: Readonly<Record<number, string>> = { 8: 'EROFS', 13: 'ENOSPC', 14: 'EACCES' };

function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === BUSY;
}

function reasonOf(error: unknown): unknown {
  const code = REASONS[((error as { errcode?: number }).errcode ?? 0) % 256];
  return code ? Object.assign(new Error(code), { code }) : error;
}
