import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { NO_HOLDS, suspend, type Holds } from '../../src/domain/holds.ts';
import { changeHolds, readHolds } from '../../src/state/index.ts';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((dir) => rm(dir, { recursive: true, force: true }))));

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'llmops-holds-'));
  folders.push(dir);
  return dir;
}

const mark = { by: 'alice', at: '2026-01-01T00:00:00Z', why: null, until: null };
const INDEX = new URL('../../src/state/index.ts', import.meta.url).href;
const HOLDS = new URL('../../src/domain/holds.ts', import.meta.url).href;

describe('What holds the stack', () => {
  it('is nothing where nobody said anything, and looking leaves no trace', async () => {
    const dir = await folder();
    expect(await readHolds(dir)).toEqual({ holds: NO_HOLDS, problem: null });
    expect(await readdir(dir)).toEqual([]);
  });

  it('is on disk when it was changed', async () => {
    const dir = await folder();
    const changed = await changeHolds(dir, (holds) => suspend(holds, ['chat'], mark));
    expect((await readHolds(dir)).holds).toEqual(changed);
  });

  it('loses no word of 16 tasks that speak at once', async () => {
    const dir = await folder();
    const names = Array.from({ length: 16 }, (_, n) => `m${n}`);
    await Promise.all(names.map((name) => changeHolds(dir, (holds) => suspend(holds, [name], mark))));
    expect(Object.keys((await readHolds(dir)).holds.suspended).sort()).toEqual(names.sort());
  });

  it('nor of 4 processes', async () => {
    const dir = await folder();
    const script = `const [{ changeHolds }, { suspend }] = await Promise.all([import('${INDEX}'), import('${HOLDS}')]);
      for (let n = 0; n < 5; n += 1) await changeHolds(process.argv[1], (holds) => suspend(holds, [process.argv[2] + n], ${JSON.stringify(mark)}));`;
    const run = (name: string) => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, dir, name]);
    await Promise.all(['a', 'b', 'c', 'd'].map(run));
    expect(Object.keys((await readHolds(dir)).holds.suspended)).toHaveLength(20);
  });

  it.each([
    '',
    '{"formatVersion":"1.0","suspen',
    '[]',
    '{"suspended":3}',
    '{"formatVersion":"1.0","suspended":{},"quarantined":[],"mandate":{}}',
  ])('is nothing in a torn file; that is told, and no word is added to it until a person begins anew: %j', async (text) => {
    const dir = await folder();
    await writeFile(join(dir, 'holds.json'), text);
    expect(await readHolds(dir)).toMatchObject({ holds: NO_HOLDS, problem: { code: 'state-damaged' } });
    const change = (holds: Holds) => suspend(holds, [], mark);
    await expect(changeHolds(dir, change)).rejects.toMatchObject({ problem: { code: 'state-damaged' } });
    expect(await readFile(join(dir, 'holds.json'), 'utf8')).toBe(text);
    await changeHolds(dir, change, { anew: true });
    expect(await readFile(join(dir, 'holds.json.corrupt-1'), 'utf8')).toBe(text);
    expect((await readHolds(dir)).problem).toBeNull();
  });

  it('is neither read nor overwritten where a newer version wrote it', async () => {
    const dir = await folder();
    const text = '{"formatVersion":"2.0","suspended":{},"quarantined":[]}';
    await writeFile(join(dir, 'holds.json'), text);
    await expect(readHolds(dir)).rejects.toMatchObject({ problem: { code: 'state-too-new' } });
    await expect(changeHolds(dir, (holds) => suspend(holds, [], mark))).rejects.toMatchObject({ problem: { code: 'state-too-new' } });
    expect(await readFile(join(dir, 'holds.json'), 'utf8')).toBe(text);
  });

  it('takes a file that lacks what later versions added', async () => {
    const dir = await folder();
    await writeFile(join(dir, 'holds.json'), '{"formatVersion":"1.0","suspended":{},"quarantined":[]}');
    expect((await readHolds(dir)).holds).toEqual(NO_HOLDS);
  });
});
