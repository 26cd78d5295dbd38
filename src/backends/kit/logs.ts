import {
  closeSync,
  constants,
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
  utimesSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { diskError, isWearyDisk } from '../../domain/disk-problem.ts';

/** Logs of earlier starts that are kept: `<id>.log.1` is the latest. */
export const KEPT_LOGS = 3;
/** A log that is longer is rotated by every apply, and while somebody supervises. */
export const LOG_LIMIT_BYTES = 32 << 20;

/** How much of a log's beginning is read, and kept. */
const HEAD_BYTES = 256 << 10;

/** Where an instance writes what it has to say. */
export function logFileOf(stateDir: string, id: string): string {
  return join(stateDir, 'logs', `${encodeURIComponent(id)}.log`);
}

/**
 * Moves the log of the start before away, and creates an empty one that only its owner can read. Returns a descriptor that
 * appends; null: the disk takes no more bytes, and a process without a log is better than none. Throws a ProblemError if the
 * folder may not be written.
 */
export function openLog(path: string): number | null {
  try {
    return openFresh(path);
  } catch (error) {
    if (isWearyDisk(error)) return null;
    throw diskError(path, error);
  }
}

function openFresh(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (sizeOf(path) > 0) {
    shift(path);
    renameSync(path, `${path}.1`);
  }
  return openSync(path, constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND, 0o600);
}

/**
 * Copies the end of a long log away and cuts the log down to its beginning, where the engine says how it loaded and says
 * it once: what is read back from there stays readable. The engine goes on writing (it appends, so that its next line
 * follows). Lines written between copy and cut are lost; so is what is older than twice the limit, for nobody may have
 * looked after this log for long. Returns true if it was too long.
 */
export function rotateLog(path: string, limitBytes = LOG_LIMIT_BYTES): boolean {
  if (sizeOf(path) <= limitBytes) return false;
  shift(path);
  const head = headLength(path, Math.min(HEAD_BYTES, limitBytes / 2));
  copyEnd(path, `${path}.1`, 2 * limitBytes);
  // When it was written last tells until when its engine lived.
  const { atime, mtime } = statSync(path);
  truncateSync(path, head);
  utimesSync(path, atime, mtime);
  return true;
}

/** {@link rotateLog} for every log of a stack. A log that cannot be cut now, on a full disk say, stays as it is. */
export function rotateLogs(stateDir: string): void {
  const folder = join(stateDir, 'logs');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of names.filter((file) => file.endsWith('.log'))) {
    try {
      rotateLog(join(folder, name));
    } catch {
      // the next apply tries again
    }
  }
}

/** Bytes of the whole lines at the beginning of a log. */
function headLength(path: string, most: number): number {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Math.floor(most));
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0)).lastIndexOf('\n') + 1;
  } finally {
    closeSync(file);
  }
}

function copyEnd(from: string, to: string, bytes: number): void {
  const [source, target] = [openSync(from, 'r'), openSync(to, 'wx', 0o600)];
  try {
    const buffer = Buffer.alloc(1 << 20);
    const end = fstatSync(source).size;
    let at = Math.max(0, end - bytes);
    while (at < end) {
      const length = readSync(source, buffer, 0, Math.min(buffer.length, end - at), at);
      if (length === 0) return;
      writeSync(target, buffer, 0, length);
      at += length;
    }
  } finally {
    closeSync(source);
    closeSync(target);
  }
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
export function logHead(path: string | null, bytes = HEAD_BYTES): string {
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
