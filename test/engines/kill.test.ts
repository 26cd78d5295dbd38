import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRIAGED, triage } from './real/clients.ts';
import { isAlive, signal, until } from './real/proc.ts';
import { randomFrom } from './real/random.ts';
import { makeRig, type Rig } from './real/rig.ts';

// A seed from the environment repeats a run; without one, each run tries other moments.
const seed = Number(process.env['LLMOPS_KILL_SEED'] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const ROUNDS = 5;

const model = (rest: string) => ({ desk: `source: file:desk-F16.gguf, ${rest}`, help: 'source: file:desk-Q8_0.gguf, context: 256' });
const SWAP = 'rollout: { strategy: swap }';

interface Scenario {
  readonly name: string;
  /** What runs before; empty: nothing. */
  readonly before: Readonly<Record<string, string>>;
  readonly wish: Readonly<Record<string, string>>;
}

const scenarios: readonly Scenario[] = [
  { name: 'two models are created', before: {}, wish: model('context: 512') },
  { name: 'a model is replaced, new before old', before: model('context: 512'), wish: model('context: 1024') },
  { name: 'a model is replaced, old before new', before: model(`context: 512, ${SWAP}`), wish: model(`context: 1024, ${SWAP}`) },
  { name: 'a model is taken out', before: model('context: 512'), wish: { help: model('').help } },
];

let rig: Rig;
beforeAll(async () => {
  console.log(`LLMOPS_KILL_SEED=${seed}`);
  rig = await makeRig();
});
afterAll(() => rig.end());

async function converge(models: Readonly<Record<string, string>>): Promise<void> {
  await rig.declare(models);
  if (Object.keys(models).length === 0) await rig.ok('destroy', '-y', '--allow-destroy');
  else await rig.ok('apply', '-y', '--allow-destroy');
}

/** How long a run takes from its first step to its end, in milliseconds. */
async function measure({ before, wish }: Scenario): Promise<number> {
  await converge(before);
  await rig.declare(wish);
  const { text, ended } = rig.start('apply', '-y', '--allow-destroy');
  await until(() => text().includes('begins'));
  const began = performance.now();
  expect((await ended).code).toBe(0);
  return performance.now() - began;
}

/** Begins the change and kills the command at a moment in it; `alsoEngines`: as when the machine loses power. True if it was cut off. */
async function cutOff({ before, wish }: Scenario, ms: number, alsoEngines: boolean): Promise<boolean> {
  await converge(before);
  await rig.declare(wish);
  const { pid, text, ended } = rig.start('apply', '-y', '--allow-destroy');
  await until(() => text().includes('begins'));
  await pause(ms);
  signal(pid, 'SIGKILL');
  const { code } = await ended;
  const engines = alsoEngines ? rig.processes().map((seen) => seen.pid) : [];
  for (const engine of engines) signal(engine, 'SIGKILL');
  await until(() => !engines.some(isAlive));
  return code === null;
}

/** What must hold after the next apply, whatever happened before it. */
async function expectConverged(wish: Readonly<Record<string, string>>, when: string): Promise<void> {
  const plan = await rig.llmops('plan', '--detailed-exitcode');
  expect(plan.code, `${when}: ${plan.stdout}`).toBe(0);
  const names = Object.keys(wish).sort();
  expect(
    rig
      .processes()
      .map((seen) => seen.model)
      .sort(),
    when,
  ).toEqual(names);
  for (const name of names) expect((await fetch(`${rig.endpoint(name)?.url}/health`)).status, when).toBe(200);
  if (names.includes('desk')) expect(await triage(rig.endpoint('desk')?.url ?? ''), when).toEqual(TRIAGED);
  else expect(rig.endpoint('desk'), when).toBeNull();
  for (const line of journal()) expect(JSON.parse(line), when).toBeTypeOf('object');
}

const journal = (): readonly string[] =>
  readFileSync(join(rig.stateDir, 'journal.ndjson'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

describe('apply that is killed at any moment is followed by one that finishes its work without help, when', () => {
  it.each(scenarios)('$name', async (scenario) => {
    const whole = await measure(scenario);
    await expectConverged(scenario.wish, 'not cut off');
    let cuts = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const ms = random() * whole * 0.9;
      if (await cutOff(scenario, ms, false)) cuts += 1;
      await rig.ok('apply', '-y', '--allow-destroy');
      await expectConverged(scenario.wish, `seed ${seed}, round ${round}, killed after ${Math.round(ms)} of ${Math.round(whole)} ms`);
    }
    console.log(`${scenario.name}: ${cuts} of ${ROUNDS} runs of some ${Math.round(whole)} ms were cut off`);
  });

  it.each(scenarios)('the machine goes down with it: $name', async (scenario) => {
    const ms = random() * 300;
    await cutOff(scenario, ms, true);
    expect(rig.processes()).toEqual([]);
    await rig.ok('apply', '-y', '--allow-destroy');
    await expectConverged(scenario.wish, `seed ${seed}, all killed after ${Math.round(ms)} ms`);
  });

  it('history tells of every run, also of those that were cut off', async () => {
    const told = await rig.llmops('history', '--json', '-n', '1000');
    expect([told.code, told.stderr]).toEqual([0, '']);
    const { generations } = JSON.parse(told.stdout) as { readonly generations: readonly { readonly outcome: string }[] };
    expect(generations.some(({ outcome }) => outcome === 'interrupted')).toBe(true);
  });
});
