import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FAULTS } from '../../src/backends/llama.cpp/fake/faults.ts';
import { installFake } from '../../src/backends/llama.cpp/fake/main.ts';
import { takesMinutes } from '../guard/patience.ts';
import { makePlace, weights, type Ended, type Place } from './stack.ts';

takesMinutes();

let place: Place;

beforeEach(async () => {
  place = await makePlace();
  installFake(place.dir);
});

afterEach(async () => {
  const down = await place.llmops(['down']);
  await place.remove();
  expect(down.code, down.stderr).toBe(0);
});

/** Declares one model with a key. */
function declare(key: string, context = 256, strategy = 'swap'): Promise<void> {
  return place.write(
    'llmops.yaml',
    `version: 1
name: keys
allowOutside: true
backends:
  local: { type: llama.cpp, engine: ./llama-server }
models:
  chat:
    backend: local
    source: "file:${weights('Q2_K')}"
    context: ${context}
    rollout: { strategy: ${strategy} }
    options: { apiKey: ${key} }
`,
  );
}

async function apply(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const ended = await place.llmops(['apply', '-y'], env);
  expect(ended.code, `${ended.stdout}${ended.stderr}`).toBe(0);
}

const all = ({ stdout, stderr }: Ended) => `${stdout}${stderr}`.replace(/\s+/g, ' ');

interface Seen {
  readonly endpoint: string | null;
  readonly instance: string;
  readonly state: string;
}

async function seen(env: Readonly<Record<string, string>> = {}): Promise<Seen> {
  const { stdout } = await place.llmops(['status', '--json'], env);
  return (JSON.parse(stdout) as { models: Seen[] }).models[0] as Seen;
}

/** Status of a question with this key, where the model answers now. */
async function ask(key: string): Promise<number> {
  const { endpoint } = await seen();
  return (await fetch(`${endpoint}/props`, { headers: { authorization: `Bearer ${key}` } })).status;
}

describe('A key that cannot be had', () => {
  it('blocks a change in the plan, and what serves goes on serving', async () => {
    await declare('{ env: CHAT_KEY }');
    await apply({ CHAT_KEY: 'first' });
    const before = await seen();
    await declare('{ env: CHAT_KEY }', 512);
    const plan = await place.llmops(['plan']);
    expect(all(plan)).toContain(
      'The API key of chat cannot be had from env:CHAT_KEY: it is not set; chat is left as it is. [secret-unavailable]',
    );
    expect(plan.code).toBe(1);
    expect((await place.llmops(['apply', '-y'])).code).toBe(1);
    expect(await seen()).toMatchObject({ instance: before.instance, endpoint: before.endpoint });
    expect(await ask('first')).toBe(200);
  });

  it('because its command fails stops an apply before clients are sent away', async () => {
    await place.write('key.txt', 'first\n');
    await declare('{ command: "cat key.txt" }');
    await apply();
    const before = await seen();
    rmSync(join(place.dir, 'key.txt'));
    await declare('{ command: "cat key.txt" }', 512);
    const ended = await place.llmops(['apply', '-y']);
    expect(ended.code).toBe(1);
    expect(all(ended)).toContain(
      'The API key of chat cannot be had from command:cat key.txt: its command ended with exit code 1. chat was left as it is.',
    );
    expect(all(ended)).not.toMatch(/DOWN|No such file/);
    expect(await seen()).toMatchObject({ instance: before.instance, endpoint: before.endpoint });
    expect(await ask('first')).toBe(200);
  });

  it('is only a warning while nothing has to be started', async () => {
    await declare('{ env: CHAT_KEY }');
    await apply({ CHAT_KEY: 'first' });
    const plan = await place.llmops(['plan', '--detailed-exitcode']);
    expect(all(plan)).toContain(
      'Warning: The API key of chat cannot be had from env:CHAT_KEY: it is not set; what runs keeps the one that it was given',
    );
    expect([plan.code, (await seen()).state]).toEqual([0, 'ready']);
  });
});

describe('What served before', () => {
  it('is put back with the key that it had, though that cannot be had any more', async () => {
    await place.write('key.txt', 'first\n');
    await declare('{ command: "cat key.txt" }');
    await apply();
    const before = await seen();
    await place.write('key.txt', 'second\n');
    await declare('{ command: "cat key.txt" }', 512);
    const lasting = { failLoad: 'E ggml: cudaMalloc failed: out of memory', failLoads: 1, counter: join(place.dir, 'loads') };
    const ended = await place.llmops(['apply', '-y'], { [FAULTS]: JSON.stringify(lasting) });
    expect(all(ended)).toContain('chat was put back to what served before.');
    expect(await seen()).toMatchObject({ instance: before.instance });
    expect([await ask('first'), await ask('second')]).toEqual([200, 401]);
  });
});

describe('A key that was exchanged', () => {
  it('is a change: the new one opens the model without a gap, and the old one does not any more', async () => {
    await declare('{ file: key.txt }', 256, 'auto');
    await place.write('key.txt', 'first\n');
    await apply();
    expect(all(await place.llmops(['plan']))).toContain('No changes.');
    await place.write('key.txt', 'second\n');
    const plan = await place.llmops(['plan', '--out', 'rotate']);
    expect(all(plan)).toContain('because the key behind file:key.txt changed (llmops.yaml:');
    expect(all(plan)).toContain('options.apiKey file:key.txt → file:key.txt#2');
    expect((await seen()).state).toBe('outdated');
    await apply();
    expect(all(await place.llmops(['plan']))).toContain('No changes.');
    expect([await ask('first'), await ask('second')]).toEqual([401, 200]);
    const stale = await place.llmops(['apply', 'rotate']);
    expect([stale.code, all(stale)]).toEqual([1, expect.stringContaining('plan-stale')]);
  });

  it('behind a command is not looked for by a plan, which says so', async () => {
    await place.write('key.txt', 'first\n');
    await declare('{ command: "echo ran >> ran.txt; cat key.txt" }');
    await apply();
    await place.write('key.txt', 'second\n');
    rmSync(join(place.dir, 'ran.txt'));
    const plan = await place.llmops(['plan']);
    expect(all(plan)).toContain('is not verified: a plan runs no command and empties no pipe. [secret-unverified]');
    expect(all(plan)).toContain('No changes.');
    expect(() => rmSync(join(place.dir, 'ran.txt'))).toThrow('ENOENT');
    const replaced = await place.llmops(['apply', '-y', '--replace', 'chat']);
    expect(replaced.code, all(replaced)).toBe(0);
    expect([await ask('first'), await ask('second')]).toEqual([401, 200]);
  });
});
