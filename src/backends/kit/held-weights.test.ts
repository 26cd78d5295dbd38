import { mkdirSync, mkdtempSync, openSync, closeSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, afterEach, describe, expect, it } from 'vitest';
import { partsOf, staleness } from './held-weights.ts';

const HOUR_MS = 3_600_000;
let dir: string;
let root: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'llmops-held-'));
  root = join(dir, 'proc');
  mkdirSync(join(root, '7'), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const started = (ms: number) => ({ pid: 7, startedAt: new Date(Date.now() + ms).toISOString() });

/** A file of weights that was written long ago, whatever happened to its name since. */
function weights(name: string): string {
  const path = join(dir, name);
  writeFileSync(path, name);
  const old = new Date(Date.now() - 24 * HOUR_MS);
  utimesSync(path, old, old);
  return path;
}

/** What the process has mapped, as the kernel tells it. */
function maps(...files: readonly (readonly [string, number | bigint, string?])[]): void {
  const { dev } = statSync(dir, { bigint: true });
  const device = `${((dev >> 8n) & 0xfffn).toString(16).padStart(2, '0')}:${(dev & 0xffn).toString(16).padStart(2, '0')}`;
  const rows = files.map(([path, inode, flags = 'r--s']) => `7f00-7f01 ${flags} 00000000 ${device} ${inode}   ${path}`);
  writeFileSync(join(root, '7/maps'), ['7ffe-7fff rw-p 00000000 00:00 0   [stack]', ...rows, ''].join('\n'));
}

describe('Whether a process holds the weights that its path leads to', () => {
  it('is seen where it has that very file mapped, however young its name is', () => {
    const v1 = weights('v1.gguf');
    symlinkSync(v1, join(dir, 'current.gguf'));
    maps(['/usr/lib/libc.so.6', 4711, 'r-xp'], [v1, statSync(v1).ino]);
    expect(staleness(started(-HOUR_MS), join(dir, 'current.gguf'), root)).toBeNull();
  });

  it('is denied where the link leads to another file by now', () => {
    const [v1, v2] = [weights('v1.gguf'), weights('v2.gguf')];
    symlinkSync(v2, join(dir, 'current.gguf'));
    maps([v1, statSync(v1).ino]);
    expect(staleness(started(HOUR_MS), join(dir, 'current.gguf'), root)).toContain('holds other weights than current.gguf has now');
  });

  it('is denied where another file was put in its place', () => {
    const [v1, older] = [weights('v1.gguf'), weights('older.gguf')];
    maps([`${v1} (deleted)`, statSync(v1).ino]);
    renameSync(older, v1);
    expect(staleness(started(HOUR_MS), v1, root)).toContain('was replaced after its start');
  });

  it('is denied where one of several parts is another one', () => {
    const [first, second] = [weights('m-00001-of-00002.gguf'), weights('m-00002-of-00002.gguf')];
    maps([first, statSync(first).ino], [`${second} (deleted)`, 1]);
    expect(staleness(started(-HOUR_MS), first, root)).toContain('m-00002-of-00002.gguf');
    maps([first, statSync(first).ino], [second, statSync(second).ino]);
    expect(staleness(started(-HOUR_MS), first, root)).toBeNull();
  });

  it('is denied where the file was written anew in place', () => {
    const v1 = weights('v1.gguf');
    maps([v1, statSync(v1).ino]);
    writeFileSync(v1, 'other');
    expect(staleness(started(-HOUR_MS), v1, root)).toContain('written anew');
  });

  it.runIf(process.platform === 'linux')('is seen where it has that file open', () => {
    const v1 = weights('v1.gguf');
    const fd = openSync(v1, 'r');
    mkdirSync(join(root, '7/fd'));
    symlinkSync(`/proc/self/fd/${fd}`, join(root, '7/fd/3'));
    expect(staleness(started(-HOUR_MS), v1, root)).toBeNull();
    closeSync(fd);
  });

  it('is told from times where nothing is mapped: of the file, of its name, and of every link to it', () => {
    const [v1, v2] = [weights('v1.gguf'), weights('v2.gguf')];
    maps(['/usr/lib/gconv/gconv-modules.cache', 4711]);
    expect(staleness(started(HOUR_MS), v1, root), 'nothing happened since').toBeNull();
    renameSync(v2, v1); // keeps the time of its content
    expect(staleness(started(-HOUR_MS), v1, root)).toContain('or replaced');
    symlinkSync('.', join(dir, 'models'));
    expect(staleness(started(HOUR_MS), join(dir, 'models/v1.gguf'), root)).toBeNull();
    expect(staleness({ pid: 7, startedAt: null }, v1, root)).toContain('does not tell when it started');
    expect(staleness(started(0), join(dir, 'gone.gguf'), root)).toContain('not there any more');
  });
});

it('A split file stands for all of its parts', () => {
  expect(partsOf('/w/m-00001-of-00003.gguf')).toEqual([1, 2, 3].map((part) => `/w/m-0000${part}-of-00003.gguf`));
  expect(partsOf('/w/m.gguf')).toEqual(['/w/m.gguf']);
});
