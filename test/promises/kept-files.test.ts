import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FAULTS } from '../../src/backends/llama.cpp/fake/faults.ts';
import { installFake } from '../../src/backends/llama.cpp/fake/main.ts';
import { listGenerations } from '../../src/state/index.ts';
import { takesMinutes } from '../guard/patience.ts';
import { makePlace, weights, type Ended, type Place } from './stack.ts';

takesMinutes();

let place: Place;

beforeEach(async () => {
  place = await makePlace();
  installFake(place.dir);
  await place.write('chat.jinja', 'one');
});

afterEach(async () => {
  const down = await place.llmops(['down']);
  await place.remove();
  expect(down.code, down.stderr).toBe(0);
});

function declare(context = 256, template = 'chat.jinja'): Promise<void> {
  return place.write(
    'llmops.yaml',
    `version: 1
name: kept
allowOutside: true
backends:
  local: { type: llama.cpp, engine: ./llama-server }
models:
  chat:
    backend: local
    source: "file:${weights('Q2_K')}"
    context: ${context}
    rollout: { strategy: swap }
    options: { chatTemplateFile: ${template} }
`,
  );
}

async function apply(env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return place.llmops(['apply', '-y'], env);
}

async function applied(): Promise<void> {
  const ended = await apply();
  expect(ended.code, `${ended.stdout}${ended.stderr}`).toBe(0);
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const stateDir = (): string => join(place.dir, 'xdg-state/llmops/kept');
const kept = (): readonly string[] => readdirSync(join(stateDir(), 'files')).sort();

/** What the only running copy was told to read as its template, as that reads now. */
async function templateInForce(): Promise<string> {
  const { stdout } = await place.llmops(['status', '--json']);
  const { instance } = (JSON.parse(stdout) as { models: { instance: string }[] }).models[0]!;
  const record = JSON.parse(readFileSync(join(stateDir(), 'instances', `${instance}.json`), 'utf8')) as { args: string[] };
  const path = record.args[record.args.indexOf('--chat-template-file') + 1]!;
  expect(path).toContain(stateDir());
  return readFileSync(path, 'utf8');
}

describe('A file that an option names', () => {
  it('is kept by its content, for its owner alone, and what serves before a change that fails is put back with it', async () => {
    await declare();
    await applied();
    const path = join(stateDir(), 'files', digest('one'));
    expect([statSync(path).mode & 0o777, statSync(join(stateDir(), 'files')).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(await templateInForce()).toBe('one');
    await place.write('chat.jinja', 'two');
    const fails = { failLoad: 'E ggml: cudaMalloc failed: out of memory', failLoads: 1, counter: join(place.dir, 'starts') };
    const ended = await apply({ [FAULTS]: JSON.stringify(fails) });
    expect(ended.code).not.toBe(0);
    expect(`${ended.stdout}${ended.stderr}`).toContain('put back');
    expect(await templateInForce()).toBe('one');
    expect(kept()).toEqual([digest('one'), digest('two')].sort());
    await applied();
    expect(await templateInForce()).toBe('two');
  });

  it('is no drift after it was kept, and is known to the history', async () => {
    await declare();
    await applied();
    expect((await place.llmops(['plan', '--detailed-exitcode'])).code).toBe(0);
    const [last] = await listGenerations(stateDir());
    expect(last!.attached).toEqual({ 'chat.jinja': digest('one') });
    // A kept file that was lost is no reason to touch what runs.
    rmSync(join(stateDir(), 'files'), { recursive: true });
    expect((await place.llmops(['plan', '--detailed-exitcode'])).code).toBe(0);
  });

  it('makes a saved plan stale once it was edited', async () => {
    await declare();
    await place.llmops(['plan', '--out', 'plan.json']);
    await place.write('chat.jinja', 'two');
    const ended = await place.llmops(['apply', 'plan.json']);
    expect(`${ended.stdout}${ended.stderr}`).toContain('plan-stale');
  });

  it('is dropped when nothing refers to it any more', async () => {
    await declare();
    await applied();
    writeFileSync(join(stateDir(), 'files', digest('nobody')), 'nobody');
    writeFileSync(join(stateDir(), 'files', 'note.txt'), 'a person put this here');
    await place.write('chat.jinja', 'two');
    await applied();
    expect(kept()).toEqual([digest('one'), digest('two'), 'note.txt'].sort());
  });
});
