import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { userOf } from '../ollama/user.ts';
import { startOllama, type RealOllama } from './ollama-server.ts';
import { openStream } from '../contract/streams.ts';
import { freePort } from './real/ports.ts';
import { isAlive, pidsWithWord, until } from './real/proc.ts';
import { flat, makeRig, type Rig } from './real/rig.ts';
import { edit, endTheirs, importInto, startTheirs } from './real/theirs.ts';

let rig: Rig;

beforeEach(async () => void (rig = await makeRig({ files: ['Q8_0'] })));
afterEach(() => rig.end());

describe('A llama-server that somebody started by hand', () => {
  let port: number;
  let theirs: ChildProcess;

  async function start(...more: readonly string[]): Promise<number> {
    theirs = await startTheirs(rig, port, more);
    return theirs.pid as number;
  }

  beforeEach(async () => void (port = await freePort()));
  afterEach(() => endTheirs(theirs));

  it('is imported, planned without a change, taken over without a restart, and changed like any other from then on', async () => {
    const pid = await start();
    await importInto(rig, 'llama-server', `:${port}`);
    const plan = flat(await rig.ok('plan', '--detailed-exitcode'));
    expect(plan).toContain(`Unmanaged: desk-q8_0 (pid ${pid}`);
    expect(plan).toContain('No changes. Your models match llmops.yaml.');
    expect(flat(await rig.ok('status'))).toContain('unmanaged');
    await rig.ok('apply', '-y');
    expect(rig.endpoint('desk-q8_0')).toBeNull(); // theirs still
    expect(flat(await rig.ok('apply', '--adopt', '-y'))).toContain('1 taken over');
    expect(isAlive(pid)).toBe(true);
    expect(rig.processes()).toEqual([]); // nothing was started
    expect(rig.endpoint('desk-q8_0')?.url).toBe(`http://127.0.0.1:${port}`);
    expect(await rig.ok('plan', '--detailed-exitcode')).toContain('No changes');
    edit(rig, 'context: 512', 'context: 256');
    await rig.ok('apply', '-y');
    expect(isAlive(pid)).toBe(false);
    expect(rig.engine('desk-q8_0').args).toContain(String(port));
  });

  it('lets the streams that it serves go on while it is taken over, and drains them before it ends', async () => {
    const pid = await start();
    await importInto(rig, 'llama-server', `:${port}`);
    const stream = openStream(`http://127.0.0.1:${port}`, { prompt: 'a', n_predict: 200, ignore_eos: true });
    await stream.begun;
    await rig.ok('apply', '--adopt', '-y');
    await rig.ok('down', '-y');
    expect(await stream.ended).toBe(true);
    expect(isAlive(pid)).toBe(false);
  });

  it('is started anew by us when it has crashed', async () => {
    const pid = await start();
    await importInto(rig, 'llama-server', `:${port}`);
    await rig.ok('apply', '--adopt', '-y');
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    expect(flat(await rig.ok('plan'))).toContain('correcting drift');
    await rig.ok('apply', '-y');
    expect(rig.engine('desk-q8_0').pid).not.toBe(pid);
  });

  it('that runs with other settings is left alone: --adopt says which, and starts nothing beside it', async () => {
    const pid = await start('-ctk', 'q8_0', '-ctv', 'q8_0');
    await rig.declare({ desk: `source: file:desk-Q8_0.gguf, context: 512, parallel: 2, options: { metrics: false }` });
    const { code, stdout } = await rig.llmops('apply', '--adopt', '-y');
    expect(code).not.toBe(0);
    expect(flat(stdout)).toContain('kvCache is q8_0, declared not set');
    expect(rig.processes()).toEqual([]);
    expect(isAlive(pid)).toBe(true);
  });

  it('is found again when the state is lost', async () => {
    const pid = await start();
    await importInto(rig, 'llama-server', `:${port}`);
    await rig.ok('apply', '--adopt', '-y');
    rmSync(rig.stateDir, { recursive: true });
    expect(flat(await rig.ok('plan'))).toContain('it runs as declared, and no record of it is left');
    await rig.ok('down', '-y');
    expect(isAlive(pid)).toBe(false);
  });
});

describe('Models of an Ollama that is there already', () => {
  let ollama: RealOllama;
  /** `sha256:…` of the weights. */
  let blob: string;
  beforeEach(async () => {
    ollama = await startOllama();
    const { post } = userOf(ollama.url);
    await upload(join(rig.dir, 'desk-Q8_0.gguf'));
    await post('/api/create', {
      model: 'support',
      from: 'desk:8b',
      system: 'Answer in one word.',
      parameters: { num_ctx: 512, stop: ['x'] },
    });
    await post('/api/generate', { model: 'support', prompt: 'a', stream: false });
  });
  afterEach(async () => {
    await rig.llmops('destroy', '-y');
    await ollama.end();
  });

  async function upload(path: string): Promise<void> {
    const bytes = readFileSync(path);
    blob = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    await fetch(`${ollama.url}/api/blobs/${blob}`, { method: 'POST', body: bytes });
    await userOf(ollama.url).post('/api/create', { model: 'desk:8b', files: { 'model.gguf': blob }, stream: false });
  }

  it('are imported, planned without a change, and taken over with the runner that is in memory', async () => {
    const user = userOf(ollama.url);
    await importInto(rig, 'ollama', ollama.url);
    expect(await rig.ok('plan', '--detailed-exitcode')).toContain('No changes');
    const before = new Set(await user.names());
    await rig.ok('apply', '-y');
    expect(new Set(await user.names())).toEqual(before); // theirs still
    const [runner] = runners();
    expect(flat(await rig.ok('apply', '--adopt', '-y'))).toContain('2 taken over');
    expect(await rig.ok('plan', '--detailed-exitcode')).toContain('No changes');
    await user.post('/api/generate', { model: 'support', prompt: 'a', stream: false });
    expect(runners()).toEqual([runner]);
    expect(await user.names()).toEqual(expect.arrayContaining(['desk:8b', 'desk-8b:latest', 'support:latest']));
    await rig.ok('down', '-y');
    const { system } = await user.post('/api/show', { model: 'support' });
    expect(system).toBe('Answer in one word.'); // theirs again
  });

  /** The runner of these weights, by pid: a reload would be another one. */
  function runners(): readonly number[] {
    return pidsWithWord(join(ollama.models, 'blobs', blob.replace(':', '-')));
  }
});
