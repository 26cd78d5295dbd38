import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findServer } from './llama-server.ts';
import { TRIAGED, triage } from './real/clients.ts';
import { isAlive, signal, until, valueOf } from './real/proc.ts';
import { startProgram } from './real/program.ts';
import { flat, makeRig, type Rig } from './real/rig.ts';

let rig: Rig;
beforeAll(async () => (rig = await makeRig()));
afterAll(() => rig.end());
beforeEach(async () => {
  await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 512' });
  await rig.ok('apply', '-y');
});
afterEach(() => rig.ok('down', '-y'));

async function die(pid: number): Promise<void> {
  signal(pid, 'SIGKILL');
  await until(() => !isAlive(pid));
}

const answer = () => triage(rig.endpoint()?.url ?? '');

describe('An engine that was killed', () => {
  it('is called crashed, with what its log has to say, and is started anew by the next apply', async () => {
    const { pid } = rig.engine();
    await die(pid);
    const plan = flat(await rig.ok('plan'));
    expect(plan).toMatch(/desk-\w+ crashed/);
    expect(plan).toContain('llama-server ended without saying why');
    await rig.ok('apply', '-y');
    expect(rig.engine().pid).not.toBe(pid);
    expect(await answer()).toEqual(TRIAGED);
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
  });

  it('is started anew by apply --supervise, without anybody asking', async () => {
    const supervisor = rig.start('apply', '-y', '--supervise');
    await until(() => supervisor.text().includes('Supervising'));
    const { pid } = rig.engine();
    await die(pid);
    await until(
      () => rig.endpoint() !== null && rig.processes().some((seen) => seen.pid !== pid) && supervisor.text().includes('succeeded'),
    );
    signal(supervisor.pid, 'SIGINT');
    expect((await supervisor.ended).code).toBe(130);
    expect(await answer()).toEqual(TRIAGED);
  });
});

describe('apply --supervise', () => {
  it('looks after what was applied last, also by another apply, and not after a file that was only edited', async () => {
    const supervisor = rig.start('apply', '-y', '--supervise');
    await until(() => supervisor.text().includes('Supervising'));
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 1024' });
    await rig.ok('apply', '-y');
    const { pid } = rig.engine();
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 256' });
    await die(pid);
    await until(() => rig.processes().length === 1 && supervisor.text().includes('succeeded'));
    expect(valueOf(rig.engine().args, '--ctx-size')).toBe('1024');
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 1024' });
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
    await rig.ok('down', '-y');
    signal(supervisor.pid, 'SIGINT');
    await supervisor.ended;
    expect(rig.processes()).toEqual([]);
  });
});

describe('An engine that somebody started by hand in the place of ours', () => {
  it('is shown as foreign and never touched, even on the port that ours had', async () => {
    const { pid } = rig.engine();
    const port = new URL(rig.endpoint()?.url ?? '').port;
    await die(pid);
    const args = ['-m', join(rig.dir, 'desk-Q8_0.gguf'), '-c', '256', '--host', '127.0.0.1', '--port', port, '--alias', 'desk'];
    const foreign = await startProgram(findServer(), args, async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok);
    try {
      expect(await rig.ok('plan')).toMatch(/Foreign: .*not managed by llmops/);
      await rig.ok('apply', '-y');
      expect(rig.engine().pid).not.toBe(foreign.pid);
      expect(rig.endpoint()?.url).not.toContain(`:${port}`);
      expect(await answer()).toEqual(TRIAGED);
      await rig.ok('down', '-y');
      expect(isAlive(foreign.pid)).toBe(true);
      expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    } finally {
      await foreign.stop();
    }
  });
});

describe('An engine that does not answer', () => {
  it('is unknown and left alone, and the plan says what can be done', async () => {
    const { pid } = rig.engine();
    signal(pid, 'SIGSTOP');
    try {
      const plan = await rig.llmops('plan');
      expect(plan.stdout).toContain('blocked');
      expect(flat(plan.stdout)).toContain('`llmops apply --replace desk` stops it and starts a new copy');
      expect((await rig.llmops('apply', '-y')).code).toBe(1);
      expect(rig.engine().pid).toBe(pid);
    } finally {
      signal(pid, 'SIGCONT');
    }
    expect(await answer()).toEqual(TRIAGED);
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
  });

  it('is not given a second copy beside it when a setting changes', async () => {
    const { pid } = rig.engine();
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 1024' });
    signal(pid, 'SIGSTOP');
    try {
      expect((await rig.llmops('apply', '-y')).code).toBe(1);
      expect(rig.engine().pid).toBe(pid);
    } finally {
      signal(pid, 'SIGCONT');
    }
    await rig.ok('apply', '-y');
    expect(await answer()).toEqual(TRIAGED);
  });

  it('is replaced when a person says so', async () => {
    const { pid } = rig.engine();
    signal(pid, 'SIGSTOP');
    await rig.ok('apply', '-y', '--replace', 'desk');
    expect(isAlive(pid)).toBe(false);
    expect(rig.engine().pid).not.toBe(pid);
    expect(await answer()).toEqual(TRIAGED);
  });
});

describe('State that was deleted', () => {
  it('costs no restart: without its records a model is found by its mark', async () => {
    const { pid } = rig.engine();
    rmSync(join(rig.stateDir, 'instances'), { recursive: true });
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
    await rig.ok('apply', '-y');
    expect(rig.engine().pid).toBe(pid);
  });

  it('costs its history and nothing else when the whole folder is gone', async () => {
    const [{ pid }, url] = [rig.engine(), rig.endpoint()?.url];
    rmSync(rig.stateDir, { recursive: true });
    expect(JSON.parse(await rig.ok('history', '--json'))).toMatchObject({ generations: [] });
    const plan = await rig.ok('plan');
    expect(plan).not.toMatch(/start desk|stop desk/);
    await rig.ok('apply', '-y');
    expect(rig.engine().pid).toBe(pid);
    expect(rig.endpoint()?.url).toBe(url);
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
  });

  it('does not keep an engine from being stopped', async () => {
    rmSync(rig.stateDir, { recursive: true });
    await rig.ok('down', '-y');
    expect(rig.processes()).toEqual([]);
  });
});
