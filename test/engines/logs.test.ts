import { appendFileSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { triage } from './real/clients.ts';
import { signal, until } from './real/proc.ts';
import { makeRig, type Rig } from './real/rig.ts';

let rig: Rig;
beforeAll(async () => (rig = await makeRig()));
afterAll(() => rig.end());
beforeEach(async () => {
  await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 512' });
  await rig.ok('apply', '-y');
});

const folder = () => join(rig.stateDir, 'logs');
const logOf = (instance: string) => join(folder(), `${instance}.log`);
const count = (text: string, part: string) => text.split(part).length - 1;

describe('logs -f', () => {
  it('goes on with the log of the new copy when a model is replaced', async () => {
    const following = rig.start('logs', '-f', '-n', '1', 'desk');
    const old = rig.endpoint();
    await until(() => following.text() !== '');
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 1024' });
    await rig.ok('apply', '-y');
    const next = rig.endpoint();
    expect(next?.instance).not.toBe(old?.instance);
    await until(() => following.text().includes(`listening on ${next?.url}`));
    await until(() => following.text().includes(`==> ${next?.instance} <==`));
    signal(following.pid, 'SIGINT');
    await following.ended;
  });

  it('goes on with the new file when a model is started again under the same name', async () => {
    const following = rig.start('logs', '-f', '-n', '1', 'desk');
    await until(() => following.text() !== '');
    const { instance } = rig.endpoint() ?? { instance: '' };
    await rig.ok('apply', '-y', '--replace', 'desk');
    expect(rig.endpoint()?.instance).toBe(instance);
    await until(() => following.text().includes(`listening on ${rig.endpoint()?.url}`));
    expect(existsSync(`${logOf(instance)}.1`)).toBe(true);
    signal(following.pid, 'SIGINT');
    await following.ended;
  });
});

describe('Logs', () => {
  it('of earlier starts are kept, three of them at most', async () => {
    const { instance } = rig.endpoint() ?? { instance: '' };
    for (let start = 0; start < 4; start += 1) await rig.ok('apply', '-y', '--replace', 'desk');
    const names = readdirSync(folder()).filter((name) => name.startsWith(instance));
    expect(names.sort()).toEqual(['', '.1', '.2', '.3'].map((end) => `${instance}.log${end}`));
  });

  it('that grew too long are rotated by an apply that finds nothing to change, and settings are read back as before', async () => {
    const path = logOf(rig.endpoint()?.instance ?? '');
    const loaded = async () => (JSON.parse(await rig.ok('status', '--json')) as { models: [{ settings: unknown[] }] }).models[0].settings;
    const before = await loaded();
    for (let mebibyte = 0; mebibyte < 33; mebibyte += 1) appendFileSync(path, `${'x'.repeat(1023)}\n`.repeat(1024));
    await rig.ok('apply', '-y');
    expect(statSync(path).size).toBeLessThan(1 << 20);
    expect(JSON.stringify(before)).toContain('kvCache');
    expect(await loaded()).toEqual(before);
  });

  it('that grow too long are rotated while somebody supervises, and the engine goes on writing to the new one', async () => {
    const path = logOf(rig.endpoint()?.instance ?? '');
    const line = `${'x'.repeat(1023)}\n`;
    for (let mebibyte = 0; mebibyte < 33; mebibyte += 1) appendFileSync(path, line.repeat(1024));
    const supervisor = rig.start('apply', '-y', '--supervise');
    await until(() => statSync(path).size < 1 << 20);
    expect(statSync(`${path}.1`).size).toBeGreaterThan(32 << 20);
    expect((statSync(`${path}.1`).mode & 0o777).toString(8)).toBe('600');
    await triage(rig.endpoint()?.url ?? '');
    await until(async () => count(await rig.ok('logs', 'desk'), 'launch_slot_') > 0);
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
    signal(supervisor.pid, 'SIGINT');
    await supervisor.ended;
  });
});
