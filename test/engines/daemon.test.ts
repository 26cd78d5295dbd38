import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askStatus } from '../../src/control/client.ts';
import { stream, TRIAGED, triage } from './real/clients.ts';
import type { Running } from './real/command.ts';
import { isAlive, signal, until, valueOf } from './real/proc.ts';
import { randomFrom } from './real/random.ts';
import { makeRig, type Rig } from './real/rig.ts';

// A seed from the environment repeats a run; without one, each run tries other moments.
const seed = Number(process.env['LLMOPS_KILL_SEED'] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const ROUNDS = 5;

const model = (context: number): string => `source: file:desk-F16.gguf, context: ${context}, rollout: { bake: 0s }`;

let rig: Rig;
beforeEach(async () => {
  rig = await makeRig();
  await rig.declare({ desk: model(512) });
});
afterEach(() => rig.end());

async function up(): Promise<Running> {
  const daemon = rig.start('up', '--probe', '1s');
  await until(async () => {
    if (daemon.isOver()) throw new Error(daemon.text());
    return (await askStatus(rig.stateDir))?.pid === daemon.pid;
  });
  return daemon;
}

async function end(daemon: Running, name: NodeJS.Signals): Promise<number | null> {
  signal(daemon.pid, name);
  return (await daemon.ended).code;
}

/** Resolves when clients are sent to an engine with this context, and it is the only one. */
async function serves(context: number): Promise<void> {
  await until(() => {
    const [one, ...more] = rig.processes();
    return rig.endpoint() !== null && more.length === 0 && one !== undefined && valueOf(one.args, '--ctx-size') === String(context);
  });
}

describe('llmops up on a real engine', () => {
  it('applies the file and its edits, starts anew what was killed, and leaves the engine when it ends', async () => {
    const daemon = await up();
    await serves(512);
    expect(await triage(rig.endpoint()?.url ?? '')).toEqual(TRIAGED);
    await rig.declare({ desk: model(1024) });
    await serves(1024);
    const { pid } = rig.engine();
    signal(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    await serves(1024);
    expect(rig.engine().pid).not.toBe(pid);
    expect(await triage(rig.endpoint()?.url ?? '')).toEqual(TRIAGED);
    expect(daemon.text()).toMatch(/desk: .* It is started anew in/);
    const before = rig.engine().pid;
    expect(await end(daemon, 'SIGTERM')).toBe(0);
    expect(rig.engine().pid).toBe(before);
    expect(await triage(rig.endpoint()?.url ?? '')).toEqual(TRIAGED);
  });

  it('can be killed and come back without a stream being cut', async () => {
    let daemon = await up();
    await serves(512);
    const { pid } = rig.engine();
    const { first, whole } = await stream(rig.endpoint()?.url ?? '');
    await first;
    await end(daemon, 'SIGKILL');
    daemon = await up();
    await rig.ok('reconcile');
    expect(await whole).toMatch(/\[DONE\]\s*$/);
    expect(rig.engine().pid).toBe(pid);
    expect(await end(daemon, 'SIGINT')).toBe(130);
    expect(rig.engine().pid).toBe(pid);
  });

  it('goes back without being undone', async () => {
    await up();
    await serves(512);
    await rig.declare({ desk: model(1024) });
    await serves(1024);
    await until(async () => (await askStatus(rig.stateDir))?.phase === 'idle');
    expect(await rig.ok('rollback', '-y')).toContain('Going back to generation 1');
    await serves(512);
    await rig.ok('reconcile');
    await rig.ok('reconcile');
    await serves(512);
    await rig.ok('resume');
    await serves(1024);
  });

  it('is killed at any moment of an apply, and the next one finishes it', async () => {
    console.log(`LLMOPS_KILL_SEED=${seed}`);
    let context = 512;
    let daemon = await up();
    await serves(context);
    for (let round = 0; round < ROUNDS; round += 1) {
      context = context === 512 ? 768 : 512;
      await rig.declare({ desk: model(context) });
      if (random() < 0.8) await until(() => /Applying what is declared/.test(daemon.text()));
      await new Promise((next) => setTimeout(next, random() * 500));
      await end(daemon, 'SIGKILL');
      daemon = await up();
      await serves(context);
      await until(async () => (await askStatus(rig.stateDir))?.phase === 'idle');
      expect(await triage(rig.endpoint()?.url ?? ''), `seed ${seed}, round ${round}`).toEqual(TRIAGED);
    }
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
  });
});
