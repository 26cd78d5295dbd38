import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../world/server.ts';
import { takesMinutes } from '../guard/patience.ts';
import { makePlace, weights, type Ended, type Place, type Running } from './stack.ts';

takesMinutes();

const RACERS = 16;

const STACK = (context: number) => `version: 1
name: race
allowOutside: true
backends: { one: { type: llama.cpp } }
models:
  chat: { backend: one, source: "file:${weights('TQ1_0')}", context: ${context} }
`;

interface Line {
  readonly kind: string;
  readonly run: string;
  readonly token: number;
}

/** Shared by all processes here, so that they start faster. */
const compiled = mkdtempSync(join(tmpdir(), 'llmops-compiled-'));
afterAll(() => rmSync(compiled, { recursive: true, force: true }));

let world: World;
let place: Place;

beforeEach(async () => {
  world = await startWorld();
  place = await makePlace({
    main: join(import.meta.dirname, '../world/main.ts'),
    env: { LLMOPS_WORLD: world.url, NODE_COMPILE_CACHE: compiled },
  });
});

afterEach(async () => {
  await world.close();
  await place.remove();
});

const copies = () => [...world.realm('one').instances.values()];
const acts = (from: number) => world.requests.slice(from).filter((request) => !request.startsWith('GET '));
const journal = () =>
  readFileSync(join(place.dir, 'xdg-state/llmops/race/journal.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** An apply that waits, under the lease, until the old copy of the model has answered its last request. */
async function holder(): Promise<Running> {
  await place.write('llmops.yaml', STACK(256));
  expect((await place.llmops(['apply', '-y'])).code).toBe(0);
  for (const copy of copies()) copy.activeRequests = 1;
  await place.write('llmops.yaml', STACK(512));
  const running = place.start(['apply', '-y']);
  await running.until('drain chat');
  return running;
}

const letGo = (): void => {
  for (const copy of copies()) copy.activeRequests = 0;
};

describe(`${RACERS} applies of one stack at once`, () => {
  it('are as one: a single one acts, the others name it or find nothing to do', async () => {
    for (const context of [256, 512]) {
      await place.write('llmops.yaml', STACK(context));
      const before = world.requests.length;
      const all = Array.from({ length: RACERS }, () => place.start(['apply', '-y', '--detailed-exitcode']));
      const pids = all.map(({ pid }) => pid);
      const ended = await Promise.all(all.map((racer) => racer.ended));
      const winners = ended.filter(({ code, stdout }) => code === 0 && !stdout.includes('No changes.'));
      expect(winners, ended.map(({ stderr }) => stderr).join('')).toHaveLength(1);
      for (const racer of ended.filter((one) => !winners.includes(one))) expectLoser(racer, pids);
      expect(copies().map(({ spec, phase }) => [spec.fields['context'], phase])).toEqual([[context, 'serving']]);
      expect(acts(before)).toEqual([...new Set(acts(before))]);
      expect(acts(before)).toHaveLength(context === 256 ? 2 : 4); // start and probe; from then on also drain and stop
    }
    expect(runsOf(journal())).toEqual(runsOf(journal()).toSorted((a, b) => a - b));
    expect(JSON.parse((await place.llmops(['history', '--json'])).stdout)).toMatchObject({ generations: [{ number: 2 }, { number: 1 }] });
  });
});

function expectLoser({ code, stdout, stderr }: Ended, pids: readonly number[]): void {
  if (code === 0) return expect(stdout).toContain('No changes.');
  expect(code, stderr).toBe(5);
  const named = /by pid (\d+) \(llmops apply, [^)]+since \d{4}-/.exec(stderr)?.[1];
  expect(pids, stderr).toContain(Number(named));
}

/** Tokens in the order of the journal, one for each stretch of lines of one run. */
function runsOf(lines: readonly Line[]): readonly number[] {
  return lines.filter((line, index) => line.run !== lines[index - 1]?.run).map(({ token }) => token);
}

describe('The one that holds the lease', () => {
  it('is named while it holds; killed, it never blocks, and the next one goes on from there', async () => {
    const first = await holder();
    const second = await place.llmops(['apply', '-y', '--detailed-exitcode']);
    expect(second.code).toBe(5);
    expect(second.stderr).toContain(`pid ${first.pid} (llmops apply,`);
    first.kill('SIGKILL');
    await first.ended;
    letGo();
    expect((await place.llmops(['apply', '-y'])).code).toBe(0);
    expect(copies().map(({ spec }) => spec.fields['context'])).toEqual([512]);
    expect((await place.llmops(['history'])).stdout).toContain('interrupted');
  });

  it('still holds while it is stopped, and finishes when it goes on', async () => {
    const first = await holder();
    first.kill('SIGSTOP');
    letGo();
    const second = await place.llmops(['apply', '-y', '--detailed-exitcode']);
    expect(second.code).toBe(5);
    expect(second.stderr).toContain(`pid ${first.pid} `);
    first.kill('SIGCONT');
    expect((await first.ended).code).toBe(0);
    expect(copies().map(({ spec }) => spec.fields['context'])).toEqual([512]);
  });

  it('is waited for with --lock-timeout, by as many as want', async () => {
    const first = await holder();
    const waiting = ['down', 'apply'].map((verb) => place.start([verb, ...(verb === 'apply' ? ['-y'] : []), '--lock-timeout', '60s']));
    for (const one of waiting) await one.until('Waiting up to 60 s');
    letGo();
    expect((await first.ended).code).toBe(0);
    for (const one of waiting) expect((await one.ended).code).toBe(0);
  });
});
