import { appendFile, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

const fileOf = (dir: string): string => join(dir, 'events.ndjson');
const olderOf = (dir: string): string => join(dir, 'events.1.ndjson');
/** A log beyond this many bytes becomes the older one. */
const ROTATE_BYTES = 2 * 1024 ** 2;
/** What the end of a cut-off line may be read from, in bytes. */
const TAIL_BYTES = 1;

/** The events of a stack's daemon, a JSON line each. For people and tools; nothing is decided by it. */
export interface EventLog {
  /** Written in the order of the calls. Never throws: a disk that is full must keep nobody from being looked after. */
  append(event: object): void;
  /** Resolves when all that was appended is written, or could not be. */
  flush(): Promise<void>;
}

/** Opens the log for its one writer. A line that was cut off by a crash is closed, so that the next one is whole. */
export function openEventLog(dir: string): EventLog {
  let last: Promise<unknown> = endLine(fileOf(dir)).catch(() => undefined);
  return {
    append(event) {
      const line = `${JSON.stringify(event)}\n`;
      last = last.then(() => write(dir, line)).catch(() => undefined);
    },
    flush: async () => void (await last),
  };
}

async function write(dir: string, line: string): Promise<void> {
  const { size } = await stat(fileOf(dir)).catch(() => ({ size: 0 }));
  if (size > ROTATE_BYTES) await rename(fileOf(dir), olderOf(dir));
  if (size === 0) await mkdir(dir, { recursive: true, mode: 0o700 });
  await appendFile(fileOf(dir), line, { mode: 0o600 });
}

async function endLine(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    if (size === 0) return;
    const { buffer } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, size - TAIL_BYTES);
    if (buffer.toString() !== '\n') await file.write('\n', size);
  } finally {
    await file.close();
  }
}

/** The newest events, oldest first; lines that are no JSON are left out. */
export async function readEvents(dir: string, limit: number): Promise<readonly object[]> {
  const texts = await Promise.all([olderOf(dir), fileOf(dir)].map((path) => readFile(path, 'utf8').catch(() => '')));
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line !== '');
  return lines.slice(Math.max(0, lines.length - limit)).flatMap(parsed);
}

function parsed(line: string): readonly object[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? [value] : [];
  } catch {
    return [];
  }
}
