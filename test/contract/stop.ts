import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemProcesses } from '../../src/backends/kit/process-table.ts';
import type { Case } from './cases.ts';
import { io, seen, step } from './world.ts';

/** How a copy leaves the world: altogether, or not at all. */
export const stopCases: readonly Case[] = [
  [
    'stopping leaves nothing of the copy and no record, and keeps the log where there is one',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      const { process, logFile } = await world.serve(driver, spec);
      await world.stop(driver, spec, process);
      if (process !== null) expect((await systemProcesses().list()).filter(({ group }) => group === process.pid)).toEqual([]);
      expect(await world.copies()).toEqual([]);
      expect(await driver.look(spec.id, io().signal)).toBeNull();
      const folder = join(world.stateDir, 'instances');
      expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
      if (logFile !== null) expect(existsSync(logFile)).toBe(true);
    },
  ],
  [
    'stopping twice is stopping once',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      const { process } = await world.serve(driver, spec);
      await world.stop(driver, spec, process);
      await world.stop(driver, spec, process);
      expect(await world.copies()).toEqual([]);
    },
  ],
  [
    'an instance that is no more what the plan saw is not stopped',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      const { process } = await world.serve(driver, spec);
      const was = { pid: process?.pid ?? 0, started: 'another time' };
      await expect(world.stop(driver, spec, was)).rejects.toMatchObject({ problem: { code: 'instance-changed' } });
      await expect(world.stop(driver, spec, { pid: 1, started: process?.started ?? '' })).rejects.toMatchObject({
        problem: { code: 'instance-changed' },
      });
      if (process !== null) await expect(world.stop(driver, spec, null)).rejects.toMatchObject({ problem: { code: 'instance-changed' } });
      const other = step('stop', spec, { specHash: 'ffffffffffff', process });
      await expect(driver.perform.stop(other, io())).rejects.toMatchObject({ problem: { code: 'instance-changed' } });
      expect(seen(await driver.look(spec.id, io().signal))).toMatchObject({ phase: 'serving', process });
    },
  ],
  [
    'a failed instance is cleared away by stopping it',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec({}, world.conformance.damagedWeights(world.dir))];
      await world.start(driver, spec);
      await driver.perform.probe(step('probe', spec, { spec, onFailure: 'leave' }), io()).catch(() => undefined);
      await world.stop(driver, spec, null);
      expect(await driver.look(spec.id, io().signal)).toBeNull();
    },
  ],
];
