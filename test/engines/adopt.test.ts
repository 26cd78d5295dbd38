import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { userOf } from '../ollama/user.ts';
import { findServer } from './llama-server.ts';
import { startOllama, type RealOllama } from './ollama-server.ts';
import { openStream } from '../contract/streams.ts';
import { freePort } from './real/ports.ts';
import { isAlive, pidsWithWord, until } from './real/proc.ts';
import { flat, makeRig, type Rig } from './real/rig.ts';

let rig: Rig;

function edit(before: string, after: string): void {
  const path = join(rig.dir, 'llmops.yaml');
  const text = readFileSync(path, 'utf8');
  if (!text.includes(before)) throw new Error(`there is no ${before} in ${text}`);
  writeFileSync(path, text.replace(before, after));
}

/** The stack gets the name that the rig looks for. */
async function importInto(source: string, from: string): Promise<void> {
  await rig.ok('import', source, from);
  const path = join(rig.dir, 'llmops.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^name: .*$/m, 'name: real'));
}

beforeEach(async () => void (rig = await makeRig({ files: ['Q8_0'] })));
afterEach(() => rig.end());

describe('A llama-server that somebody started by hand', () => {
  let port: number;
  let theirs: ChildProcess;

  /** As people do: relative paths, short flags, in a group of its own. */
  async function startTheirs(...more: readonly string[]): Promise<number> {
    const words = ['-m', 'desk-Q8_0.gguf', '-c', '1024', '-np', '2', '--port', String(port), ...more];
    theirs = spawn(findServer(), words, { cwd: rig.dir, stdio: 'ignore', detached: true, env: { PATH: process.env['PATH'] } });
    await until(async () => (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok === true);
    return theirs.pid as number;
  }

  beforeEach(async () => void (port = await freePort()));
  afterEach(async () => {
    const gone = theirs.exitCode === null && theirs.signalCode === null ? once(theirs, 'exit') : null;
    theirs.kill('SIGKILL');
    await gone;
  });

  it('is imported, planned without a change, taken over without a restart, and changed like any other from then on', async () => {
    const pid = await startTheirs();
    await importInto('llama-server', `:${port}`);
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
    edit('context: 512', 'context: 256');
    await rig.ok('apply', '-y');
    expect(isAlive(pid)).toBe(false);
    expect(rig.engine('desk-q8_0').args).toContain(String(port));
  });

  it('lets the streams that it serves go on while it is taken over, and drains them before it ends', async () => {
    const pid = await startTheirs();
    await importInto('llama-server', `:${port}`);
    const stream = openStream(`http://127.0.0.1:${port}`, { prompt: 'a', n_predict: 200, ignore_eos: true });
    await stream.begun;
    await rig.ok('apply', '--adopt', '-y');
    await rig.ok('down', '-y');
    expect(await stream.ended).toBe(true);
    expect(isAlive(pid)).toBe(false);
  });

  it('is started anew by us when it has crashed', async () => {
    const pid = await startTheirs();
    await importInto('llama-server', `:${port}`);
    await rig.ok('apply', '--adopt', '-y');
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    expect(flat(await rig.ok('plan'))).toContain('correcting drift');
    await rig.ok('apply', '-y');
    expect(rig.engine('desk-q8_0').pid).not.toBe(pid);
  });

  it('that runs with other settings is left alone: --adopt says which, and starts nothing beside it', async () => {
    const pid = await startTheirs('-ctk', 'q8_0', '-ctv', 'q8_0');
    await rig.declare({ desk: `source: file:desk-Q8_0.gguf, context: 512, parallel: 2, options: { metrics: false }` });
    const { code, stdout } = await rig.llmops('apply', '--adopt', '-y');
    expect(code).not.toBe(0);
    expect(flat(stdout)).toContain('kvCache is q8_0, declared not set');
    expect(rig.processes()).toEqual([]);
    expect(isAlive(pid)).toBe(true);
  });

  it('belongs to nobody when the state is lost, and can be taken over once more', async () => {
    const pid = await startTheirs();
    await importInto('llama-server', `:${port}`);
    await rig.ok('apply', '--adopt', '-y');
    rmSync(rig.stateDir, { recursive: true });
    expect(flat(await rig.ok('plan', '--detailed-exitcode'))).toContain(`Unmanaged: desk-q8_0 (pid ${pid}`);
    await rig.ok('apply', '--adopt', '-y');
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
    await importInto('ollama', ollama.url);
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
