import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemProcesses } from '../../src/backends/kit/process-table.ts';
import type { Case } from './cases.ts';
import { eventually, instancesOf, io, kill, seen, type World } from './world.ts';

/** Instances outlive whoever started them; the next one finds them by what they carry. */
export const adoptionCases: readonly Case[] = [
  [
    'a fresh driver finds what another one started',
    async (world) => {
      const spec = world.spec();
      const before = await world.serve(world.connect(), spec);
      const after = seen(await world.connect().look(spec.id, io().signal));
      expect({ ...after, memoryBytes: null }).toEqual({ ...before, memoryBytes: null });
    },
  ],
  [
    'it finds it also when every record is gone',
    async (world) => {
      const spec = world.spec();
      const before = await world.serve(world.connect(), spec);
      rmSync(join(world.stateDir, 'instances'), { recursive: true, force: true });
      const fresh = world.connect();
      expect(await world.serve(fresh, spec)).toMatchObject({
        process: before.process,
        endpoint: before.endpoint,
        specHash: spec.specHash,
        configured: before.configured,
      });
      await world.stop(fresh, spec, before.process);
      expect(await world.copies()).toEqual([]);
    },
  ],
  ['a process that got the number of a dead instance is not taken for it', reusedNumber],
  [
    'an instance that crashed is started anew by the next start',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      const before = await world.serve(driver, spec);
      kill(before.process?.pid ?? 0, 'SIGKILL');
      await eventually(async () => (await driver.look(spec.id, io().signal))?.process === null);
      const after = await world.serve(driver, spec);
      expect(after.phase).toBe('serving');
      expect(after.process).not.toEqual(before.process);
      expect(instancesOf(await driver.observe(io().signal)).filter(({ owner }) => owner === 'ours')).toHaveLength(1);
    },
  ],
];

async function reusedNumber(world: World): Promise<void> {
  const [driver, spec] = [world.connect(), world.spec()];
  const before = await world.serve(driver, spec);
  kill(before.process?.pid ?? 0, 'SIGKILL');
  await eventually(async () => (await driver.look(spec.id, io().signal))?.process === null);
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  try {
    const pid = bystander.pid ?? 0;
    const entry = await eventually(() => systemProcesses().get(pid));
    const file = join(world.stateDir, 'instances', `${spec.id}.json`);
    const record = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...record, process: { pid, started: entry.started } }));
    const fresh = world.connect();
    expect(seen(await fresh.look(spec.id, io().signal))).toMatchObject({ phase: 'failed', process: null });
    await expect(world.stop(fresh, spec, { pid, started: entry.started })).rejects.toMatchObject({ problem: { code: 'instance-changed' } });
    await world.stop(fresh, spec, null);
    expect((await systemProcesses().get(pid))?.started).toBe(entry.started);
  } finally {
    bystander.kill('SIGKILL');
  }
}
