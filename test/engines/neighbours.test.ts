import { cpSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TRIAGED, triage } from './real/clients.ts';
import { startCommand } from './real/command.ts';
import { freePort } from './real/ports.ts';
import { listening } from './real/proc.ts';
import { flat, makeRig, type Rig } from './real/rig.ts';

const MODEL = { desk: 'source: file:desk-F16.gguf, context: 512' };

let rig: Rig;
let other: Rig;
beforeAll(async () => {
  [rig, other] = await Promise.all([makeRig(), makeRig()]);
  await other.declare(MODEL);
});
afterAll(async () => {
  await rig.end();
  await other.end();
});
afterEach(async () => {
  await rig.ok('down', '-y');
  await other.ok('down', '-y');
});

const answer = (where: Rig) => triage(where.endpoint()?.url ?? '');

describe('A stack', () => {
  it('is found again from any folder and any shell', async () => {
    await rig.declare(MODEL);
    await rig.ok('apply', '-y');
    const { pid } = rig.engine();
    const env = { PATH: '/usr/bin:/bin', XDG_STATE_HOME: rig.env['XDG_STATE_HOME'] ?? '', HOME: '/', LANG: 'de_DE.UTF-8' };
    const { code, stdout } = await startCommand(['apply', '-y', '-f', join(rig.dir, 'llmops.yaml')], { env, cwd: '/' }).ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining('No changes')]);
    expect(rig.engine().pid).toBe(pid);
  });

  it('keeps every file of its state to its owner, and listens on loopback alone', async () => {
    await rig.declare(MODEL);
    await rig.ok('apply', '-y');
    await rig.declare({ desk: `${MODEL.desk}, parallel: 2` });
    await rig.ok('apply', '-y', '--replace', 'desk');
    const modes = readdirSync(rig.stateDir, { recursive: true, withFileTypes: true }).map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${(statSync(path).mode & 0o777).toString(8)} ${path}`;
    });
    expect(modes.length).toBeGreaterThan(8);
    expect(modes.filter((line) => !/^(600|700) /.test(line))).toEqual([]);
    expect((statSync(rig.stateDir).mode & 0o777).toString(8)).toBe('700');
    const sockets = listening(rig.engine().pid);
    expect(sockets.length).toBeGreaterThan(0);
    expect(sockets.filter((address) => !address.startsWith('0100007F:'))).toEqual([]);
  });
});

describe('Two stacks on one machine, of the same name and with the same model', () => {
  it('see each other as foreign, and neither touches what is the other one’s', async () => {
    await rig.declare(MODEL);
    await other.declare({ desk: 'source: file:desk-Q8_0.gguf, context: 256' });
    await Promise.all([rig.ok('apply', '-y'), other.ok('apply', '-y')]);
    const { pid } = rig.engine();
    expect(flat(await other.ok('plan'))).toMatch(/No changes/);
    const status = JSON.parse(await other.ok('status', '--json')) as {
      readonly foreign: readonly { readonly model: string | null; readonly endpoint: string | null }[];
    };
    expect(status.foreign).toContainEqual(expect.objectContaining({ model: 'desk', endpoint: rig.endpoint()?.url }));
    await other.ok('destroy', '-y', '--allow-destroy');
    expect(other.processes()).toEqual([]);
    expect(rig.engine().pid).toBe(pid);
    expect(await answer(rig)).toEqual(TRIAGED);
  });

  it('that want the same port do not get into each other’s way: the second one says what is there', async () => {
    const port = await freePort();
    const model = { desk: `${MODEL.desk}, options: { port: ${port} }` };
    await rig.declare(model);
    await other.declare(model);
    await rig.ok('apply', '-y');
    const { pid } = rig.engine();
    const second = await other.llmops('apply', '-y');
    expect(second.code).toBe(1);
    // The plan sees it, so that nothing is stopped or started for a port that cannot be had.
    expect(flat(second.stdout + second.stderr)).toContain(`cannot get port ${port}: desk (pid ${pid})`);
    expect(second.stdout).toContain('[port-taken]');
    expect(other.processes()).toEqual([]);
    expect(other.endpoint()).toBeNull();
    expect(rig.engine().pid).toBe(pid);
    expect(await answer(rig)).toEqual(TRIAGED);
  });
});

describe('State that was copied from another stack', () => {
  it('is not worked on, so that no engine of the first one is taken over', async () => {
    await rig.declare(MODEL);
    await rig.ok('apply', '-y');
    const { pid } = rig.engine();
    rmSync(other.stateDir, { recursive: true, force: true });
    cpSync(rig.stateDir, other.stateDir, { recursive: true });
    const refused = await other.llmops('apply', '-y');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('[stack-name-taken]')]);
    expect(other.processes()).toEqual([]);
    expect(rig.engine().pid).toBe(pid);
    expect(await answer(rig)).toEqual(TRIAGED);
    rmSync(other.stateDir, { recursive: true });
  });
});
