import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ObservedInstance } from '../../src/domain/observed.ts';
import type { Case } from './cases.ts';
import { eventually, instancesOf, io, kill, seen, type World } from './world.ts';

/** What is seen of the world, and that seeing does not change it. */
export const observeCases: readonly Case[] = [
  [
    'a machine without instances is reachable and empty, not unreachable',
    async (world) => {
      const observed = await world.connect().observe(io().signal);
      expect(instancesOf(observed).filter(({ owner }) => owner === 'ours')).toEqual([]);
      expect(observed).toMatchObject({ status: 'reachable', engine: { status: 'present' } });
    },
  ],
  [
    'a machine that does not list its processes is unreachable, never reachable and empty',
    async (world) => {
      const refuse = () => Promise.reject(new Error('no processes today'));
      const driver = world.connectOver({ list: refuse, get: refuse });
      const problem = { severity: 'error', summary: expect.stringContaining('no processes today') as string };
      expect(await driver.observe(io().signal)).toMatchObject({ status: 'unreachable', problem });
      await expect(driver.look(world.spec().id, io().signal)).rejects.toThrow('no processes today');
    },
  ],
  [
    'observing tells the same as looking at one',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      const looked = await world.serve(driver, spec);
      const observed = instancesOf(await driver.observe(io().signal)).find(({ id }) => id === spec.id);
      expect({ ...observed, memoryBytes: null }).toEqual({ ...looked, memoryBytes: null });
    },
  ],
  [
    'an instance that was killed is failed, with a reason and its log',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      const before = await world.serve(driver, spec);
      kill(before.process?.pid ?? 0, 'SIGKILL');
      const after = await eventually(async () => {
        const now = await driver.look(spec.id, io().signal);
        return now?.process === null && now;
      });
      expect(after).toMatchObject({ phase: 'failed', owner: 'ours', specHash: spec.specHash, logFile: before.logFile });
      if (after.lastAliveAt !== undefined)
        expect([after.lastAliveAt >= (before.startedAt ?? ''), after.lastAliveAt <= new Date().toISOString()]).toEqual([true, true]);
      expect(after.problem?.summary).not.toBe('');
      expect(after.problem?.fix).toContain(before.logFile);
    },
  ],
  [
    'an instance that hangs is unknown, never taken for gone',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      const { process } = await world.serve(driver, spec);
      kill(process?.pid ?? 0, 'SIGSTOP');
      const hung = seen(instancesOf(await driver.observe(io().signal)).find(({ id }) => id === spec.id));
      kill(process?.pid ?? 0, 'SIGCONT');
      expect(hung).toMatchObject({ phase: 'unknown', process, loaded: null });
      expect(hung.problem?.code).toBe('engine-timeout');
    },
  ],
  [
    'what another stack runs is foreign: shown, and none of our steps touches it',
    async (world) => {
      const [theirs, ours, spec] = [world.connect({ stateDir: join(world.dir, 'theirs') }), world.connect(), world.spec()];
      const their = await world.serve(theirs, spec);
      const isTheirs = ({ id, process }: ObservedInstance) =>
        process === null ? id.includes(spec.specHash) : process.pid === their.process?.pid;
      const shown = seen(instancesOf(await ours.observe(io().signal)).find(isTheirs));
      expect(shown).toMatchObject({ owner: 'foreign', specHash: null, model: spec.model, endpoint: their.endpoint });
      expect(await ours.look(spec.id, io().signal)).toBeNull();
      const stopping = world.stop(ours, spec, their.process);
      if (their.process === null) await stopping;
      else await expect(stopping).rejects.toMatchObject({ problem: { code: 'instance-changed' } });
      expect((await theirs.look(spec.id, io().signal))?.phase).toBe('serving');
    },
  ],
  [
    'a backend sees only its own instances of the stack',
    async (world) => {
      const spec = world.spec();
      await world.serve(world.connect(), spec);
      const other = instancesOf(await world.connect({ backend: 'another' }).observe(io().signal));
      expect(other.filter(({ id }) => id.includes(spec.id))).toEqual([]);
    },
  ],
  [
    'observing writes nothing, and leaves processes as they are',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      const before = await world.serve(driver, spec);
      const files = snapshot(world);
      for (let round = 0; round < 3; round += 1) await driver.observe(io().signal);
      expect(snapshot(world)).toEqual(files);
      expect((await driver.look(spec.id, io().signal))?.process).toEqual(before.process);
    },
  ],
  [
    'torn and foreign files among the records are survived',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      await world.serve(driver, spec);
      const folder = join(world.stateDir, 'instances');
      mkdirSync(folder, { recursive: true });
      for (const [name, text] of [
        ['torn.json', '{"v":1,"spec":{'],
        ['empty.json', ''],
        ['list.json', '[1]'],
        ['null.json', 'null'],
        ['note.txt', 'hi'],
        ['later.json', '{"v":99}'],
      ]) {
        writeFileSync(join(folder, name as string), text as string);
      }
      const ours = instancesOf(await driver.observe(io().signal)).filter(({ owner }) => owner === 'ours');
      expect(ours.map(({ id, phase }) => [id, phase])).toEqual([[spec.id, 'serving']]);
    },
  ],
  [
    'everything that it writes is for its owner alone',
    async (world) => {
      await world.serve(world.connect(), world.spec());
      const open = readdirSync(world.stateDir, { recursive: true, encoding: 'utf8' })
        .map((name) => join(world.stateDir, name))
        .filter((path) => (statSync(path).mode & 0o077) !== 0);
      expect(open).toEqual([]);
    },
  ],
];

/** Every file of the world with its text. */
function snapshot(world: World): Readonly<Record<string, string>> {
  const names = readdirSync(world.dir, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(world.dir, name)).isFile());
  return Object.fromEntries(
    names.filter((name) => !name.endsWith('.log')).map((name) => [name, readFileSync(join(world.dir, name), 'latin1')]),
  );
}
