import type { ChildProcess } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from './real/ports.ts';
import { isAlive, until } from './real/proc.ts';
import { flat, makeRig, type Rig } from './real/rig.ts';
import { edit, endTheirs, importInto, startTheirs } from './real/theirs.ts';

let rig: Rig;
let port: number;
const theirs: ChildProcess[] = [];

beforeEach(async () => {
  rig = await makeRig({ files: ['F16', 'Q8_0'] });
  port = await freePort();
});
afterEach(async () => {
  await rig.end();
  for (const child of theirs.splice(0)) await endTheirs(child);
});

async function start(more: readonly string[] = [], file?: string): Promise<number> {
  const child = await startTheirs(rig, port, more, file);
  theirs.push(child);
  return child.pid as number;
}

/** Nobody keeps its port, however slowly its memory goes. */
async function crash(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await until(() => !isAlive(pid));
}

describe('A path says nothing of the weights that a process holds', () => {
  /** Other weights, written long before anything was started. */
  function older(name: string): void {
    copyFileSync(join(rig.dir, 'desk-F16.gguf'), join(rig.dir, name));
    utimesSync(join(rig.dir, name), 1e9, 1e9);
  }

  async function isRefused(pid: number): Promise<void> {
    const { code, stdout } = await rig.llmops('apply', '--adopt', '-y');
    expect(code).not.toBe(0);
    expect(flat(stdout)).toContain('holds other weights than');
    expect(rig.processes()).toEqual([]);
    expect(isAlive(pid)).toBe(true);
  }

  it('if it is a link that leads to another file by now', async () => {
    older('v2.gguf');
    const link = join(rig.dir, 'current.gguf');
    symlinkSync('desk-Q8_0.gguf', link);
    const pid = await start([], 'current.gguf');
    await importInto(rig, 'llama-server', `:${port}`);
    expect(await rig.ok('plan', '--detailed-exitcode')).toContain('No changes');
    rmSync(link);
    symlinkSync('v2.gguf', link);
    await isRefused(pid);
  });

  it('nor if another file was moved to it', async () => {
    older('v2.gguf');
    const pid = await start();
    await importInto(rig, 'llama-server', `:${port}`);
    renameSync(join(rig.dir, 'v2.gguf'), join(rig.dir, 'desk-Q8_0.gguf'));
    await isRefused(pid);
  });
});

describe('What was taken over', () => {
  let pid: number;
  async function takeOver(more: readonly string[] = [], change = () => {}): Promise<void> {
    pid = await start(more);
    await importInto(rig, 'llama-server', `:${port}`);
    change();
    expect(flat(await rig.ok('apply', '--adopt', '-y'))).toContain('1 taken over');
  }

  it('is one model of a stack: another one with its weights gets a copy of its own, and leaves it alone when it goes', async () => {
    await takeOver();
    const before = readFileSync(join(rig.dir, 'llmops.yaml'), 'utf8');
    edit(rig, /^backends:$/m, 'backends:\n  other: { type: llama.cpp }');
    edit(rig, /^models:$/m, 'models:\n  y: { backend: other, source: file:desk-Q8_0.gguf, context: 512, parallel: 2 }');
    await rig.ok('apply', '--adopt', '-y');
    expect(rig.engine('y').pid).not.toBe(pid);
    writeFileSync(join(rig.dir, 'llmops.yaml'), before);
    await rig.ok('apply', '-y', '--allow-destroy');
    expect(rig.processes()).toEqual([]);
    expect(isAlive(pid)).toBe(true);
  });

  it('moves with its backend when that gets another name', async () => {
    await takeOver();
    edit(rig, /^ {2}local:$/m, '  box:');
    edit(rig, 'backend: local', 'backend: box');
    await rig.ok('apply', '-y');
    expect(isAlive(pid)).toBe(false);
    expect(rig.endpoint('desk-q8_0')?.url).toBe(`http://127.0.0.1:${port}`);
    expect(await rig.ok('plan', '--detailed-exitcode')).toContain('No changes');
  });

  it('and listened on every address of IPv6, is reached at 127.0.0.1', async () => {
    await takeOver(['--host', '::']);
    expect(rig.endpoint('desk-q8_0')?.url).toBe(`http://127.0.0.1:${port}`);
    expect(await rig.ok('plan', '--detailed-exitcode')).toContain('No changes');
  });

  it('and is started anew by whoever keeps it, serves on, and becomes ours again', async () => {
    await takeOver();
    const url = rig.endpoint('desk-q8_0')?.url;
    await crash(pid);
    const again = await start();
    expect(flat(await rig.ok('plan', '--detailed-exitcode'))).toContain(`Unmanaged: desk-q8_0 (pid ${again}`);
    await rig.ok('apply', '-y');
    expect(rig.processes()).toEqual([]);
    expect(rig.endpoint('desk-q8_0')?.url).toBe(url); // clients are served there
    expect(flat(await rig.ok('status'))).toContain('unmanaged');
    expect(flat(await rig.ok('apply', '--adopt', '-y'))).toContain('1 taken over');
    expect(await rig.ok('plan', '--detailed-exitcode')).toContain('No changes');
    await rig.ok('down', '-y');
    expect(isAlive(again)).toBe(false);
  });

  it('also where its port stands in no file, and while somebody supervises', async () => {
    await takeOver([], () => edit(rig, /^ +port: .*\n/m, ''));
    const supervisor = rig.start('apply', '--supervise', '-y');
    await until(() => supervisor.text().includes('Supervising'));
    process.kill(pid, 'SIGKILL');
    const again = await start();
    await until(async () => flat(await rig.ok('status')).includes('unmanaged'));
    expect(rig.processes()).toEqual([]);
    expect(flat(await rig.ok('apply', '--adopt', '-y'))).toContain('1 taken over');
    expect(isAlive(again)).toBe(true);
    expect(rig.processes()).toEqual([]);
  });

  it('belongs to one stack, whose cache may be emptied; and to nobody once its state and its claim are gone', async () => {
    await takeOver();
    const other = (verb: string, ...more: readonly string[]) => [verb, '-f', 'other.yaml', ...more];
    writeFileSync(join(rig.dir, 'other.yaml'), readFileSync(join(rig.dir, 'llmops.yaml'), 'utf8').replace('name: real', 'name: second'));
    rmSync(join(rig.dir, 'cache', 'llmops'), { recursive: true });
    expect(flat((await rig.llmops(...other('plan', '--adopt'))).stdout)).toContain('belongs to stack real');
    rmSync(rig.stateDir, { recursive: true });
    expect(flat(await rig.ok(...other('apply', '--adopt', '-y')))).toContain('1 taken over');
    expect(flat((await rig.llmops('plan', '--adopt')).stdout)).toContain('belongs to stack second');
    await rig.ok(...other('down', '-y'));
    expect(isAlive(pid)).toBe(false);
  });
});
