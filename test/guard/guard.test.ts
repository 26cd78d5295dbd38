import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemProcesses } from '../../src/backends/kit/process-table.ts';
import { eventually } from '../contract/world.ts';

const ROOT = join(import.meta.dirname, '../..');
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'llmops-guard-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A run of its own, whose only test starts a process that outlives its parent and then waits for ever. Resolves once that runs. */
async function interruptedRun(): Promise<{ readonly run: ChildProcess; readonly started: number }> {
  const pidFile = join(dir, 'pid');
  const run = spawn(process.execPath, [VITEST, 'run', '--config', join(import.meta.dirname, 'fixture.config.ts')], {
    cwd: ROOT,
    detached: true, // a group of its own, as a terminal gives one
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], HOME: dir, LLMOPS_GUARD_FIXTURE: pidFile },
  });
  const started = await eventually(async () => Number(read(pidFile)));
  return { run, started };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

describe('A run of the tests', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('that is ended by %s leaves no process behind', async (signal) => {
    const { run, started } = await interruptedRun();
    expect(await systemProcesses().get(started)).not.toBeNull();
    // Ctrl-C reaches the whole group of the terminal; the others one process.
    process.kill(signal === 'SIGINT' ? -(run.pid as number) : (run.pid as number), signal);
    if (run.exitCode === null && run.signalCode === null) await once(run, 'exit');
    await eventually(async () => (await systemProcesses().get(started)) === null);
  });
});
