import { globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../world/server.ts';
import { makePlace, weights, type Place, type PlaceOptions } from './stack.ts';

const STACK = `version: 1
name: desk
allowOutside: true
backends: { one: { type: llama.cpp } }
models:
  chat: { backend: one, source: "file:${weights('TQ1_0')}", context: 256 }
`;

/** Shared by all processes here, so that they start faster. */
const compiled = mkdtempSync(join(tmpdir(), 'llmops-compiled-'));
afterAll(() => rmSync(compiled, { recursive: true, force: true }));

let world: World;
let place: Place;

async function setUp(options: PlaceOptions = {}): Promise<void> {
  place = await makePlace({
    main: join(import.meta.dirname, '../world/main.ts'),
    env: { LLMOPS_WORLD: world.url, NODE_COMPILE_CACHE: compiled },
    ...options,
  });
  await place.write('llmops.yaml', STACK);
}

beforeEach(async () => {
  world = await startWorld();
  await setUp();
});

afterEach(async () => {
  await world.close();
  await place.remove();
});

const phases = () => [...world.realm('one').instances.values()].map(({ phase }) => phase);

describe('A signal during an apply', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s once: says what it does, leaves the wait, journals, and exits %i; the next apply finishes', async (signal, code) => {
    world.fault({ kind: 'hang', path: /probe/ });
    const running = place.start(['apply', '-y']);
    await running.until('probe chat');
    running.kill(signal);
    const ended = await running.ended;
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain('Stopping: ');
    expect(ended.stdout).toMatch(/What is not[\s\S]*probe[\s\S]*llmops apply/);
    expect((await place.llmops(['history'])).stdout).toContain('cancelled');
    world.clearFaults();
    const next = await place.llmops(['apply', '-y']);
    expect(next.code, next.stderr).toBe(0);
    expect(phases()).toEqual(['serving']);
  });

  it('in a swap leaves the model its clients: while the old copy drains they are sent back to it', async () => {
    const swap = (context: number) => STACK.replace('context: 256', `context: ${context}, rollout: { strategy: swap }`);
    await place.write('llmops.yaml', swap(256));
    expect((await place.llmops(['apply', '-y'])).code).toBe(0);
    await place.write('llmops.yaml', swap(512));
    world.fault({ kind: 'hang', path: /drain/ });
    const running = place.start(['apply', '-y']);
    await running.until('drain chat');
    running.kill('SIGINT');
    const { code, stdout } = await running.ended;
    expect([code, stdout]).toEqual([130, expect.stringContaining('clients are sent to it again') as string]);
    expect(stdout).not.toContain('DOWN');
    const { models } = JSON.parse((await place.llmops(['status', '--json'])).stdout) as { models: { published: boolean }[] };
    expect(models.map(({ published }) => published)).toEqual([true]);
  });

  it('twice ends it at once, whatever it waits for, and blocks nobody', async () => {
    world.fault({ kind: 'hang', method: 'PUT' });
    const running = place.start(['apply', '-y']);
    await running.until('start chat');
    running.kill('SIGINT');
    await running.until('Stopping: ');
    const again = setInterval(() => running.kill('SIGINT'), 20);
    const ended = await running.ended.finally(() => clearInterval(again));
    expect(ended.code).toBe(130);
    world.clearFaults();
    expect((await place.llmops(['apply', '-y'])).code).toBe(0);
    expect(phases()).toEqual(['serving']);
  });

  it('and its echo, as npx sends it, count as one', async () => {
    world.fault({ kind: 'hang', path: /probe/ });
    const running = place.start(['apply', '-y']);
    await running.until('probe chat');
    running.kill('SIGINT');
    running.kill('SIGTERM');
    const ended = await running.ended;
    expect([130, 143]).toContain(ended.code);
    expect(ended.stdout).toContain('What is not');
  });

  it('as JSON: the stream ends with its result', async () => {
    world.fault({ kind: 'hang', path: /probe/ });
    const running = place.start(['apply', '-y', '--json']);
    await running.until('"step":"chat.probe"', 'stdout');
    running.kill('SIGINT');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ type: 'result', outcome: 'cancelled', generation: 1 });
  });
});

describe('A reader that leaves', () => {
  it('does not end an apply, and is no error', async () => {
    world.fault({ kind: 'hang', path: /probe/ });
    const running = place.start(['apply', '-y']);
    running.leave();
    await running.until('probe chat');
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130, stderr: expect.not.stringContaining('EPIPE') as string });
    world.clearFaults();
    const next = place.start(['apply', '-y', '--json']);
    next.leave();
    expect(await next.ended).toMatchObject({ code: 0, stderr: '' });
    expect(phases()).toEqual(['serving']);
  });

  it('ends a plan quietly: llmops plan | head -1', async () => {
    const many = Array.from({ length: 300 }, (_, index) => `  m${index}: { backend: one, source: "file:${weights('TQ1_0')}" }\n`);
    await place.write('llmops.yaml', `${STACK}${many.join('')}`);
    const running = place.start(['plan', '--json']);
    running.leave();
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('The umask', () => {
  it.each(['000', '077'])('%s changes nothing: files of llmops are 0600 and folders 0700', async (umask) => {
    await place.remove();
    await setUp({ umask });
    expect((await place.llmops(['apply', '-y'])).code).toBe(0);
    expect((await place.llmops(['plan', '--out', 'cache/x.plan', '--json-into', 'cache/x.json'])).code).toBe(0);
    expect((await place.llmops(['status', '--snapshot', 'cache/seen.json'])).code).toBe(0);
    const found = ['xdg-state/llmops', 'cache'].flatMap((base) => globSync(`${base}/**/*`, { cwd: place.dir }));
    expect(found.length).toBeGreaterThan(8);
    for (const name of found) {
      const info = statSync(join(place.dir, name));
      expect([name, (info.mode & 0o777).toString(8)]).toEqual([name, info.isDirectory() ? '700' : '600']);
    }
  });
});
