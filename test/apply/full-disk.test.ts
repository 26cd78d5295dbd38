import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listGenerations, openState, readState } from '../../src/state/index.ts';
import { diskError } from '../../src/state/disk.ts';
import { applyOnce, nextPlan } from '../crash/once.ts';
import { inRealms } from '../crash/realms.ts';
import { memoryDisk } from '../world/memory-disk.ts';
import { startWorld, type World } from '../world/server.ts';
import { folder } from './helpers.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const DIR = '/state';
const lease = { token: 1, verify: () => undefined, release: () => undefined };
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
      fix: 'Free some space, then run the command again. Running models were left as they are.',
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
