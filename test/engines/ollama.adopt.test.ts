import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { userOf, type User } from '../ollama/user.ts';
import { eventually } from '../contract/world.ts';
import { startOllama, type RealOllama } from './ollama-server.ts';
import { flat, makeRig, type Rig } from './real/rig.ts';

let rig: Rig;
let ollama: RealOllama;
let user: User;
/** `sha256:…` of the weights. */
let blob: string;

beforeEach(async () => {
  [rig, ollama] = await Promise.all([makeRig({ files: ['Q4_K_M'] }), startOllama()]);
  user = userOf(ollama.url);
  const bytes = readFileSync(join(rig.dir, 'desk-Q4_K_M.gguf'));
  blob = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await fetch(`${ollama.url}/api/blobs/${blob}`, { method: 'POST', body: bytes });
});
afterEach(async () => {
  await rig.llmops('destroy', '-y');
  await rig.end();
  await ollama.end();
});

const make = (model: string, more: object = {}) =>
  user.post('/api/create', { model, files: { 'model.gguf': blob }, stream: false, ...more });
const load = (model: string, more: object = {}) => user.post('/api/generate', { model, stream: false, ...more });
const ownNames = async () => (await user.names()).filter((name) => !name.startsWith('llmops/base')).sort();

/** Imports all that the server has, and takes it over. */
async function takeOver(): Promise<void> {
  await rig.ok('import', 'ollama', ollama.url);
  const path = join(rig.dir, 'llmops.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^name: .*$/m, 'name: real'));
  expect(flat(await rig.ok('plan', '--detailed-exitcode'))).toContain('No changes');
  await rig.ok('apply', '--adopt', '-y');
}

describe('A model that an Ollama has', () => {
  it('goes on calling tools, is nobody else’s in the plan, and has its name back in its own case', async () => {
    await make('Desk', { renderer: 'qwen3-coder', parser: 'qwen3-coder', system: 'PARSER none' });
    await load('Desk');
    await takeOver();
    const plan = flat(await rig.ok('plan', '--detailed-exitcode'));
    expect(plan).toContain('No changes');
    expect(plan).not.toContain('Foreign');
    const tools = [
      { type: 'function', function: { name: 'now', description: 'The time.', parameters: { type: 'object', properties: {} } } },
    ];
    const messages = [{ role: 'user', content: 'What time is it?' }];
    const ask = { model: 'desk', messages, tools, stream: false, options: { num_predict: 4 } };
    expect(await user.post('/api/chat', ask)).toMatchObject({ done: true });
    await rig.ok('down', '-y');
    expect(await ownNames()).toEqual(['Desk:latest']);
  });

  it('that was loaded for a while is planned without a change when it has gone, and when it has come back', async () => {
    await make('desk:q4');
    await load('desk:q4');
    await takeOver();
    await load('desk:q4', { keep_alive: 0 });
    await eventually(async () => (await user.ps()).length === 0);
    expect(flat(await rig.ok('plan', '--detailed-exitcode'))).toContain('No changes');
  });

  it('is planned without a change while it is not taken over, in memory or not, and is loaded if it shall always be', async () => {
    await make('desk');
    await load('desk');
    await rig.ok('import', 'ollama', ollama.url);
    await load('desk', { keep_alive: 0 });
    await eventually(async () => (await user.ps()).length === 0);
    expect(flat(await rig.ok('plan', '--detailed-exitcode'))).toContain('No changes');
    const path = join(rig.dir, 'llmops.yaml');
    const text = readFileSync(path, 'utf8').replace(/^name: .*$/m, 'name: real');
    writeFileSync(path, text.replace(/^ *load: on-demand\n/m, ''));
    expect(flat(await rig.ok('apply', '--adopt', '-y'))).toContain('1 taken over');
    expect(await user.ps()).toHaveLength(1);
    expect(flat(await rig.ok('plan', '--detailed-exitcode'))).toContain('No changes');
  });

  it('is out of memory after `down`, whoever loaded it and for how long', async () => {
    await make('desk:q4');
    await make('second', { system: 'Be short.' });
    await load('desk:q4', { keep_alive: -1 });
    await takeOver();
    await load('desk-q4', { keep_alive: -1 });
    await rig.ok('down', '-y');
    expect(await user.ps()).toEqual([]);
    expect(await ownNames()).toEqual(['desk:q4', 'second:latest']);
  });

  it('has its name back also after somebody removed our copy, and our records', async () => {
    await make('desk', { system: 'Mine.' });
    await takeOver();
    const copy = (await user.names()).find((name) => name.startsWith('llmops/desk')) ?? '';
    await user.remove(copy);
    rmSync(rig.stateDir, { recursive: true });
    await rig.ok('down', '-y');
    expect(await ownNames()).toEqual(['desk:latest']);
    expect(await user.post('/api/show', { model: 'desk' })).toMatchObject({ system: 'Mine.' });
    expect(String((await user.post('/api/show', { model: 'desk' }))['license'] ?? '')).toBe('');
  });

  it('keeps its place if its copy crashes away between two runs, also past a run for others', async () => {
    await make('desk');
    await make('other', { system: 'Be short.' });
    await takeOver();
    for (const name of await user.names()) if (/^(desk:latest|llmops\/desk:)/.test(name)) await user.remove(name);
    await rig.ok('apply', '--target', 'other', '-y');
    expect(await ownNames()).not.toContain('desk:latest');
    await rig.ok('apply', '-y');
    expect(await ownNames()).toContain('desk:latest');
    expect(flat(await rig.ok('plan', '--detailed-exitcode'))).toContain('No changes');
  });
});
