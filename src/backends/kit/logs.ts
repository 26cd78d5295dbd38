import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Logs of earlier starts that are kept: `<id>.log.1` is the latest. */
export const KEPT_LOGS = 3;
/** A log that is longer is rotated while somebody supervises. */
export const LOG_LIMIT_BYTES = 32 << 20;

/** Where an instance writes what it has to say. */
export function logFileOf(stateDir: string, id: string): string {
  return join(stateDir, 'logs', `${encodeURIComponent(id)}.log`);
}

/** Moves the log of the start before away, and creates an empty one that only its owner can read. Returns a descriptor that appends. */
export function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (sizeOf(path) > 0) {
    shift(path);
    renameSync(path, `${path}.1`);
  }
  return openSync(path, constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND, 0o600);
}

/**
 * Copies a long log away and empties it, while the engine goes on writing (it appends, so that its next line starts at
 * the new beginning). Lines written between copy and cut are lost. Returns true if it was too long.
 */
export function rotateLog(path: string, limitBytes = LOG_LIMIT_BYTES): boolean {
  if (sizeOf(path) <= limitBytes) return false;
  shift(path);
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
  return true;
}

/** {@link rotateLog} for every log of a stack. */
export function rotateLogs(stateDir: string): void {
  const folder = join(stateDir, 'logs');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of names) if (name.endsWith('.log')) rotateLog(join(folder, name));
}

function shift(path: string): void {
  rmSync(`${path}.${KEPT_LOGS}`, { force: true });
  for (let number = KEPT_LOGS - 1; number >= 1; number -= 1) {
    if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The last lines of a log, at most `bytes` long; empty if there is none. */
export function logTail(path: string | null, bytes = 16 << 10): string {
  return readPart(path, (size) => Math.max(0, size - bytes), bytes);
}

/** The first lines of a log, where an engine says how it loaded; empty if there is none. */
export function logHead(path: string | null, bytes = 256 << 10): string {
  return readPart(path, () => 0, bytes);
}

function readPart(path: string | null, from: (size: number) => number, bytes: number): string {
  if (path === null) return '';
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    const start = from(fstatSync(file).size);
    const buffer = Buffer.alloc(bytes);
    const length = readSync(file, buffer, 0, bytes, start);
    return buffer.subarray(0, length).toString('utf8');
  } catch {
    return '';
  } finally {
    if (file !== null) closeSync(file);
  }
}
