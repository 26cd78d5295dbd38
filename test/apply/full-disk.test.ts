import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listGenerations, openState, readState } from '../../src/state/index.ts';
import { diskError } from '../../src/domain/disk-problem.ts';
import { applyOnce, nextPlan } from '../crash/once.ts';
import { inRealms } from '../crash/realms.ts';
import { memoryDisk, usedBy } from '../world/memory-disk.ts';
import { startWorld, type World } from '../world/server.ts';
import { folder } from './helpers.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const DIR = '/state';
const lease = { token: 1, verify: () => undefined, release: () => undefined };
const SWAP = { strategy: 'swap', holdMs: 0, drainMs: 1000, bakeMs: 0 } as const;
const full = () => diskError(`${DIR}/x`, Object.assign(new Error('full'), { code: 'ENOSPC' }));

describe('when the disk is full', () => {
  it.each(['from then on', 'for one write'] as const)(
    'at any write, %s, nothing acts that was not written down, and with space again the next run finishes',
    async (how) => {
      for (let at = 0; ; at += 1) {
        const told = inRealms({ models: { chat: {}, embed: {} } }, `${how === 'for one write' ? 'once' : 'ever'}${at}`);
        const disk = memoryDisk();
        const state = await openState(DIR, disk);
        let struck = false;
        disk.tornBytes = at % 50;
        disk.onWrite = (_write, index) => {
          if (how === 'for one write' ? index === at && !struck : index >= at) {
            struck = true;
            throw full();
          }
        };
        const attempt = { told, url: world.url, state, lease, point: () => undefined };
        const first = await applyOnce(attempt).catch((error: unknown) => error);
        if (first instanceof Error) expect(first).toMatchObject({ problem: { code: 'state-not-writable' } });
        await expectNothingUnwritten(disk, told);
        disk.onWrite = null;
        await applyOnce({ ...attempt, lease: { ...lease, token: 2 } });
        expect((await nextPlan(attempt)).steps, `full at write ${at}`).toEqual([]);
        expect((await readState(DIR, disk)).problems).toEqual([]);
        expect((await readState(DIR, disk)).inventory.pending).toEqual([]);
        if (!struck) break;
      }
    },
  );

  it('the person is told which file, why, and what to do', () => {
    expect(full().problem).toEqual({
      severity: 'error',
      code: 'state-not-writable',
      summary: "llmops' state at /state/x cannot be used: the disk is full.",
      fix: 'Free some space, then run the command again: it goes on from what is there.',
    });
  });

  it('a real limit on file sizes is told in the same way', async () => {
    const dir = await folder();
    const index = new URL('../../src/state/index.ts', import.meta.url).href;
    const script = `const { realDisk } = await import('${index}');
      await realDisk.write('${dir}/big', Buffer.alloc(100_000)).catch((error) => console.log(JSON.stringify(error.problem)));`;
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'ulimit -f 8; exec "$0" --input-type=module -e "$1"',
      process.execPath,
      script,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'state-not-writable', fix: expect.stringContaining('ulimit -f') as string });
  });
});

describe('when the disk fills up while a model is between its old copy and its new one', () => {
  const swap = (context: number, fails = false) => ({
    models: { chat: { context, rollout: SWAP, options: fails ? { fail: 'probe' } : {} } },
  });
  const reached = async (disk: ReturnType<typeof memoryDisk>, realm: string) => {
    const { chat } = (await readState(DIR, disk)).inventory.endpoints;
    return world.realm(realm).instances.get(chat?.instance ?? '')?.phase;
  };

  it.each(['comes up', 'fails'])('at whichever write, clients are served; the new copy %s', async (how) => {
    for (let at = 0; ; at += 1) {
      const id = `fills-${how.length}-${at}`;
      const [before, after] = [inRealms(swap(1024), id), inRealms(swap(2048, how === 'fails'), id)];
      const disk = memoryDisk();
      const state = await openState(DIR, disk);
      const attempt = { url: world.url, state, lease, point: () => undefined };
      await applyOnce({ ...attempt, told: before });
      const from = disk.writes.length;
      disk.onWrite = (_write, index) => {
        if (index - from >= at) disk.capacity ??= usedBy(disk.files);
      };
      await applyOnce({ ...attempt, told: after, lease: { ...lease, token: 2 } }).catch((error: unknown) => error);
      const struck = disk.capacity !== null;
      expect(await reached(disk, `local-${id}`), `full at write ${at}`).toBe('serving');
      await applyOnce({ ...attempt, told: { ...before, mode: 'down' }, lease: { ...lease, token: 3 } });
      expect(world.realm(`local-${id}`).instances.size, `down, full at write ${at}`).toBe(0);
      if (!struck) break;
    }
  });

  it('what was taken down is put back though nothing at all can be written any more', async () => {
    const id = 'read-only';
    const disk = memoryDisk();
    const state = await openState(DIR, disk);
    const attempt = { url: world.url, state, lease, point: () => undefined };
    await applyOnce({ ...attempt, told: inRealms(swap(1024), id) });
    disk.onWrite = (write) => {
      const begins = write.op === 'append' ? Buffer.from(write.bytes).toString() : '';
      if (!begins.includes('"step":"chat.start"')) return;
      disk.onWrite = () => {
        throw full();
      };
      throw full();
    };
    const { result } = await applyOnce({ ...attempt, told: inRealms(swap(2048), id), lease: { ...lease, token: 2 } });
    const [copy] = world.realm(`local-${id}`).instances.values();
    expect([copy?.spec.fields['context'], copy?.phase]).toEqual([1024, 'serving']);
    expect(result.steps.find(({ op }) => op === 'start')).toMatchObject({
      problem: { code: 'state-not-writable', summary: expect.stringContaining('runs again') as string },
      restored: { url: copy?.endpoint, unpublished: true },
    });
  });

  it('a change that would take a model down is refused where there is no room for its way back, and nothing is changed', async () => {
    const id = 'tight';
    const disk = memoryDisk();
    const state = await openState(DIR, disk);
    const attempt = { url: world.url, state, lease, point: () => undefined };
    await applyOnce({ ...attempt, told: inRealms(swap(1024), id) });
    for (const path of disk.files.keys()) if (path.includes('/reserve-')) disk.files.delete(path);
    disk.capacity = usedBy(disk.files) + 300_000;
    const refused = await applyOnce({ ...attempt, told: inRealms(swap(2048), id), lease: { ...lease, token: 2 } }).catch((error) => error);
    expect(refused).toMatchObject({
      problem: { code: 'state-not-writable', summary: expect.stringContaining('Nothing was changed') as string },
    });
    expect(await reached(disk, `local-${id}`)).toBe('serving');
  });
});

/** Every instance that was started has a begin on disk, in a generation that names it too. */
async function expectNothingUnwritten(disk: ReturnType<typeof memoryDisk>, told: ReturnType<typeof inRealms>): Promise<void> {
  const journal = Buffer.from(disk.files.get(`${DIR}/journal.ndjson`) ?? '').toString('utf8');
  for (const { realm } of Object.values(told.backends ?? {})) {
    for (const id of world.realm(realm).instances.keys()) {
      expect(journal).toContain(`"step":"${id.split('-')[0]}.start"`);
      expect(await listGenerations(DIR, disk)).toHaveLength(1);
    }
  }
}
