import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { noteSupervisor, takeDaemonLock } from '../../src/state/index.ts';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((dir) => rm(dir, { recursive: true, force: true }))));

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'llmops-daemon-'));
  folders.push(dir);
  return dir;
}

const INDEX = new URL('../../src/state/index.ts', import.meta.url).href;
const RUNS = { problem: { code: 'daemon-runs' } };

describe('The place of the one daemon', () => {
  it('is had by one of 16 that want it, and free again after that', async () => {
    const dir = await folder();
    const all = await Promise.allSettled(Array.from({ length: 16 }, () => takeDaemonLock(dir)));
    const taken = all.filter((one) => one.status === 'fulfilled');
    expect(taken).toHaveLength(1);
    for (const one of all) if (one.status === 'rejected') expect(one.reason).toMatchObject(RUNS);
    taken[0]?.value.release();
    (await takeDaemonLock(dir)).release();
  });

  it('is free when the process that had it was killed', async () => {
    const dir = await folder();
    const script = `const { takeDaemonLock } = await import('${INDEX}');
      await takeDaemonLock(process.argv[1]);
      process.kill(process.pid, 'SIGKILL');`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, dir]).catch((error: unknown) => error);
    (await takeDaemonLock(dir)).release();
  });

  it('is refused by name where somebody stays with the stack in another way, and is not kept for that', async () => {
    const dir = await folder();
    const note = noteSupervisor(dir, 'llmops apply --supervise');
    note.say([]);
    await expect(takeDaemonLock(dir)).rejects.toMatchObject({
      problem: { summary: expect.stringContaining(`pid ${process.pid}`) as string },
    });
    note.end();
    (await takeDaemonLock(dir)).release();
  });
});
