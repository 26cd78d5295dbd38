import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acquireLease, openState } from '../../src/state/index.ts';
import { startWorld, type World } from '../world/server.ts';
import type { StackTold } from '../world/stack.ts';
import { applyOnce } from './once.ts';
import { picture, type Picture } from './picture.ts';
import type { RunnerTold } from './runner.ts';
import { scenarios, type Scenario } from './scenarios.ts';
import { inRealms } from './realms.ts';

let world: World;
let home: string;
beforeAll(async () => {
  world = await startWorld();
  home = await mkdtemp(join(tmpdir(), 'llmops-kill-'));
});
afterAll(async () => {
  await world.close();
  await rm(home, { recursive: true, force: true });
});

const RUNNER = fileURLToPath(new URL('runner.ts', import.meta.url));

interface Ended {
  readonly signal: string | null;
  readonly points: number;
}

function runProcess(told: RunnerTold): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_COMPILE_CACHE: join(home, 'compiled') }; // so that each starts faster
    execFile(process.execPath, [RUNNER, JSON.stringify(told)], { env }, (error, stdout, stderr) => {
      const killed = error?.signal === 'SIGKILL';
      if (error && !killed) reject(new Error(stderr, { cause: error }));
      else resolve({ signal: killed ? 'SIGKILL' : null, points: killed ? told.dieAt : (JSON.parse(stdout) as { points: number }).points });
    });
  });
}

/** A whole run in this process: with a lease and on a disk, as the killed one had. It never waits for the dead. */
async function runHere(dir: string, told: StackTold): Promise<void> {
  const state = await openState(dir);
  const lease = await acquireLease(dir, { command: 'test', waitMs: 0 });
  await applyOnce({ told, url: world.url, state, lease, point: () => undefined });
  lease.release();
}

async function play(scenario: Scenario, dieAt: number): Promise<{ readonly ended: Ended; readonly picture: Picture }> {
  const id = `${scenarios.indexOf(scenario)}k${dieAt}`;
  const dir = join(home, id);
  const told = inRealms(scenario.wish, id);
  if (scenario.before) await runHere(dir, inRealms(scenario.before, id));
  scenario.disturb?.(world.realm(`local-${id}`));
  const ended = await runProcess({ dir, url: world.url, told, dieAt });
  if (ended.signal) await runHere(dir, told);
  return { ended, picture: await picture(world, [`local-${id}`, `far-${id}`], dir) };
}

/** A process for each point: on a machine that is busy with other things that takes minutes, and nothing hangs. */
const LIMIT_MS = 900_000;

/** One scenario at every point; one with two models at once at some, because its full count is enumerated in crash.test.ts. */
const played = [
  { name: 'change the context, new before old', every: 1 },
  { name: 'two models that trade places in memory', every: 13 },
];

describe('a process that is killed with SIGKILL is followed by one that starts at once and finishes its work', () => {
  it.each(played)('$name', { timeout: LIMIT_MS }, async ({ name, every }) => {
    const scenario = scenarios.find((told) => told.name === name) as Scenario;
    const whole = await play(scenario, 0);
    const deaths = Array.from({ length: whole.ended.points }, (_, index) => index + 1).filter((k) => every === 1 || k % every === 1);
    expect(deaths.length).toBeGreaterThan(2);
    const next = deaths[Symbol.iterator]();
    const worker = async () => {
      for (const k of next) {
        const { ended, picture: seen } = await play(scenario, k);
        expect(ended.signal, `point ${k}`).toBe('SIGKILL');
        expect(seen, `killed at point ${k}`).toEqual(whole.picture);
      }
    };
    await Promise.all([worker(), worker()]);
  });
});
