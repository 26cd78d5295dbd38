import { appendFile, chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openEventLog, readEvents } from '../../src/state/index.ts';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((dir) => rm(dir, { recursive: true, force: true }))));

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'llmops-events-'));
  folders.push(dir);
  return dir;
}

const file = (dir: string): string => join(dir, 'events.ndjson');

describe('The log of events', () => {
  it('tells the newest, oldest first, in the order in which they came', async () => {
    const dir = await folder();
    const log = openEventLog(dir);
    for (let n = 0; n < 20; n += 1) log.append({ n });
    await log.flush();
    expect(await readEvents(dir, 3)).toEqual([{ n: 17 }, { n: 18 }, { n: 19 }]);
    expect(await readEvents(dir, 100)).toHaveLength(20);
  });

  it('is empty where there is none', async () => {
    expect(await readEvents(join(await folder(), 'nowhere'), 10)).toEqual([]);
  });

  it('loses a line that was cut off, and no other', async () => {
    const dir = await folder();
    await writeFile(file(dir), '{"n":1}\n{"n":2');
    const log = openEventLog(dir);
    log.append({ n: 3 });
    await log.flush();
    expect(await readEvents(dir, 10)).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it('skips what is no event', async () => {
    const dir = await folder();
    await writeFile(file(dir), '7\nnull\n\n{"n":1}\n');
    expect(await readEvents(dir, 10)).toEqual([{ n: 1 }]);
  });

  it('stays small: a large one becomes the older one, and both are read', async () => {
    const dir = await folder();
    const log = openEventLog(dir);
    log.append({ n: 1 });
    await log.flush();
    await appendFile(file(dir), `{"long":"${'x'.repeat(2 * 1024 ** 2)}"}\n`);
    log.append({ n: 2 });
    await log.flush();
    expect((await stat(file(dir))).size).toBeLessThan(100);
    expect((await readEvents(dir, 10)).map((event) => Object.keys(event)[0])).toEqual(['n', 'long', 'n']);
  });

  it('never fails who tells it something, though nothing can be written', async () => {
    const dir = await folder();
    await writeFile(join(dir, 'taken'), '');
    const log = openEventLog(join(dir, 'taken'));
    log.append({ n: 1 });
    await expect(log.flush()).resolves.toBeUndefined();
  });

  it("is nobody else's to read", async () => {
    const dir = await folder();
    await chmod(dir, 0o700);
    const log = openEventLog(dir);
    log.append({ n: 1 });
    await log.flush();
    expect((await stat(file(dir))).mode & 0o777).toBe(0o600);
  });
});
