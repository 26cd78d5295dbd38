import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askStatus } from '../../src/control/client.ts';
import { until } from '../daemon/home.ts';
import { newStage } from './stage.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

describe.skipIf(!existsSync('/dev/full'))('Output that cannot be written', () => {
  it.each([['--help'], ['version'], ['doctor']])('%s: one line says so, and the exit code is 1', (verb) => {
    const dir = mkdtempSync(join(tmpdir(), 'llmops-full-'));
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => (closeSync(full), rmSync(dir, { recursive: true, force: true })));
    const env = { PATH: '/usr/bin:/bin', HOME: dir };
    const ended = spawnSync(process.execPath, [MAIN, verb], { cwd: dir, env, stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
    expect(ended.stderr).toMatch(/^llmops: the output could not be written: ENOSPC[^\n]*\n$/);
    expect(ended.status).toBe(1);
  });
});

/** One end of a pipe that is full, and that nobody reads. */
function fullPipe(path: string): number {
  execFileSync('mkfifo', [path]);
  const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const filled = () => {
    for (;;) writeSync(pipe, 'x'.repeat(4096));
  };
  expect(filled).toThrow(/EAGAIN/);
  return pipe;
}

describe('Output that nobody reads', () => {
  it.each([[['up']], [['up', '--json']]])('does not hold up `%s`, nor its end when it is told to', async (argv) => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const pipe = fullPipe(join(stage.dir, 'full'));
    const { env } = stage.command();
    const child = spawn(process.execPath, [MAIN, ...argv], { cwd: stage.dir, env, stdio: ['ignore', pipe, 'ignore'] });
    onTestFinished(() => (child.kill('SIGKILL'), closeSync(pipe)));
    const ended = once(child, 'exit');
    await until('an answer of the daemon', async () => (await askStatus(stage.stateDir)) !== null);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});

describe('apply without a terminal', () => {
  it('outside a stack says that there is none, before it asks for a yes', async () => {
    const stage = await newStage();
    expect(await stage.run('apply')).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no llmops.yaml here') as string });
  });
});

describe('status --exit-code', () => {
  it('is 2 while a declared model is not acted on, and says how many are ready', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'source: "hf:org/name"' });
    const told = await stage.run('status', '--exit-code');
    expect(told.stdout).toContain('0 of 1 ready');
    expect(told.code).toBe(2);
  });
});
