import { plainly } from '../../src/domain/fields.ts';
import { copyFileSync } from 'node:fs';
import { expect } from 'vitest';
import { ProblemError } from '../../src/domain/problem.ts';
import type { Case } from './cases.ts';
import { instancesOf, io, seen, step, type World } from './world.ts';

/** A server that is paused says nothing at all, not even that it loads. */
const PATIENCE_MS = 200;
/** Longer than a busy machine takes to say that it waits, and shorter than a server is waited for that says nothing. */
const IN_VAIN_MS = 3000;

/** How a copy comes into the world. */
export const startCases: readonly Case[] = [
  ['an instance that was probed serves, at an address, and tells its memory and its beginning', serves],
  [
    'starting twice makes one copy',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      const first = await world.serve(driver, spec);
      const again = await world.serve(driver, spec);
      expect(again.process).toEqual(first.process);
      expect(again.startedAt).toBe(first.startedAt);
      expect(await world.copies()).toHaveLength(1);
    },
  ],
  [
    'two that start the same instance at the same time make one copy',
    async (world) => {
      const spec = world.spec();
      await Promise.all([world.connect(), world.connect(), world.connect()].map((driver) => world.start(driver, spec)));
      expect(await world.copies()).toHaveLength(1);
    },
  ],
  [
    'every declared setting that the engine tells is in force',
    async (world) => {
      const spec = world.spec({ context: 512, parallel: 2 });
      const instance = await world.serve(world.connect(), spec);
      const told = Object.entries(spec.fields).flatMap(([field, asked]) => {
        const got = instance.loaded?.[field] ?? instance.configured[field] ?? null;
        return asked === null || got === null ? [] : [{ field, asked, got }];
      });
      const { compare = plainly } = world.conformance.backend;
      expect(told.filter(({ field, asked, got }) => compare(field, asked, got, spec.fields) === 'moved')).toEqual([]);
      const tells = world.conformance.tells ?? ['digest', 'context', 'parallel'];
      expect(told.map(({ field }) => field)).toEqual(expect.arrayContaining([...tells]));
      expect(instance.loaded).toMatchObject({ context: 512, ...(tells.includes('parallel') && { parallel: 2 }) });
    },
  ],
  [
    'another context or number of requests is another instance',
    (world) => {
      const ids = [world.spec(), world.spec({ context: 256 }), world.spec({ parallel: 2 })].map(({ id }) => id);
      expect(new Set(ids).size).toBe(3);
      expect(world.spec().id).toBe(ids[0]);
    },
  ],
  [
    'two instances of one model run side by side, and one stops without the other',
    async (world) => {
      const driver = world.connect();
      const [old, next] = [world.spec({ context: 256 }), world.spec({ context: 512 }, world.conformance.otherWeights?.(world.dir))];
      const [first, second] = await Promise.all([world.serve(driver, old), world.serve(driver, next)]);
      // Copies in one server share its address; the model's name leads to one of them.
      if (first.names === undefined) expect(first.endpoint).not.toBe(second.endpoint);
      await world.stop(driver, old, first.process);
      expect((await driver.look(next.id, io().signal))?.phase).toBe('serving');
      expect(await driver.look(old.id, io().signal)).toBeNull();
    },
  ],
  ['a start that takes its time is waited for', waitsForSlowStart],
  [
    'a start that fails says why, quotes the log and names it',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec({}, world.conformance.damagedWeights(world.dir))];
      const problem = await failToServe(world, spec.weights.path, 'leave');
      expect(problem.code).toMatch(/^weights-/);
      expect(problem.details?.length).toBeGreaterThan(0);
      const instance = seen(await driver.look(spec.id, io().signal));
      expect(problem.fix).toContain(instance.logFile);
      expect(instance).toMatchObject({ phase: 'failed', process: null, specHash: spec.specHash });
      expect(instance.problem?.code).toBe(problem.code);
    },
  ],
  [
    'a copy that fails its probe stays to be seen until a stop of its own clears it away',
    async (world) => {
      const spec = world.spec({}, world.conformance.damagedWeights(world.dir));
      const problem = await failToServe(world, spec.weights.path, 'stop');
      const ours = async () => instancesOf(await world.connect().observe(io().signal)).filter(({ owner }) => owner === 'ours');
      expect(await ours()).toMatchObject([{ id: spec.id, phase: 'failed', process: null, problem: { code: problem.code } }]);
      await world.stop(world.connect(), spec, null);
      expect(await ours()).toEqual([]);
    },
  ],
  [
    'a start that failed does not stand in the way of the next one',
    async (world) => {
      const path = world.conformance.damagedWeights(world.dir);
      await failToServe(world, path, 'leave');
      copyFileSync(world.conformance.weights(world.dir), path);
      expect((await world.serve(world.connect(), world.spec({}, path))).phase).toBe('serving');
    },
  ],
  [
    'a start that was cancelled before it began starts nothing',
    async (world) => {
      const spec = world.spec();
      const outcome = world.connect().perform.start(step('start', spec, { spec }), io(undefined, AbortSignal.abort()));
      await expect(outcome).rejects.toMatchObject({ problem: { code: 'cancelled' } });
      expect(await world.copies()).toEqual([]);
    },
  ],
  [
    'waiting for an instance ends when it is cancelled, and leaves it alone',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      await world.start(driver, spec);
      const before = seen(await driver.look(spec.id, io().signal));
      world.pause(before);
      const stop = new AbortController();
      const probing = driver.perform.probe(
        step('probe', spec, { spec, onFailure: 'leave' }),
        io(() => stop.abort(), stop.signal),
      );
      // One that is silent before it says what it waits for is told to stop all the same.
      setTimeout(() => stop.abort(), PATIENCE_MS);
      await expect(probing).rejects.toBeInstanceOf(ProblemError);
      world.resume(before);
      expect(seen(await driver.look(spec.id, io().signal))).toMatchObject({ process: before.process, startedAt: before.startedAt });
    },
  ],
  [
    'an instance that was never started cannot be probed',
    async (world) => {
      const spec = world.spec();
      const probing = world.connect().perform.probe(step('probe', spec, { spec, onFailure: 'leave' }), io());
      await expect(probing).rejects.toMatchObject({ problem: { code: 'instance-gone' } });
    },
  ],
];

async function serves(world: World): Promise<void> {
  const spec = world.spec();
  const instance = await world.serve(world.connect(), spec);
  expect(instance).toMatchObject({
    id: spec.id,
    owner: 'ours',
    backend: spec.backend,
    model: spec.model,
    specHash: spec.specHash,
    phase: 'serving',
    problem: null,
  });
  expect(instance.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(instance.memoryBytes).toBeGreaterThan(0);
  expect(Date.parse(instance.startedAt ?? '')).not.toBeNaN();
  expect((await fetch(`${instance.endpoint}${world.conformance.healthPath ?? '/health'}`)).status).toBe(200);
}

async function waitsForSlowStart(world: World): Promise<void> {
  const [driver, spec] = [world.connect(), world.spec()];
  await world.start(driver, spec);
  const before = seen(await driver.look(spec.id, io().signal));
  world.pause(before);
  const said: string[] = [];
  const goOn = (message: string) => {
    said.push(message);
    world.resume(before);
  };
  const inVain = setTimeout(() => world.resume(before), IN_VAIN_MS); // a probe that says nothing must end as well
  await driver.perform.probe(step('probe', spec, { spec, onFailure: 'leave' }), io(goOn)).finally(() => clearTimeout(inVain));
  expect(said.length).toBeGreaterThan(0);
  expect(seen(await driver.look(spec.id, io().signal))).toMatchObject({ phase: 'serving', process: before.process });
}

async function failToServe(world: World, path: string, onFailure: 'stop' | 'leave') {
  const [driver, spec] = [world.connect(), world.spec({}, path)];
  try {
    await world.start(driver, spec);
    await driver.perform.probe(step('probe', spec, { spec, onFailure }), io());
  } catch (error) {
    if (error instanceof ProblemError) return error.problem;
    throw error;
  }
  throw new Error('damaged weights were served');
}
