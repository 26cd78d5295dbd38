import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askStatus } from '../../src/control/client.ts';
import { stream, TRIAGED, triage } from './real/clients.ts';
import { isAlive, signal, until } from './real/proc.ts';
import { makeRig, type Rig } from './real/rig.ts';
import { startSystemd, whyNoSystemd, type Systemd } from './real/systemd.ts';

const UNIT = 'llmops-real.service';
/** The service under test comes back at once, and need not hang for a minute until that is noticed. */
const QUICKER = '[Service]\nRestartSec=100ms\nWatchdogSec=5\n';
const skipped = whyNoSystemd();

let rig: Rig;
let systemd: Systemd;
/** The folder of the stack, with all in its name that systemd reads as something else. */
let odd: string;
beforeAll(async () => {
  if (skipped !== null) return;
  rig = await makeRig({ files: ['F16'] });
  odd = join(rig.dir, 'my $lab 50% "s"');
  symlinkSync('.', odd);
  await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 512, rollout: { bake: 0s }' });
  systemd = await startSystemd(rig.dir, rig.env);
  writeFileSync(join(systemd.units, UNIT), await rig.ok('-C', odd, 'up', '--print-unit', 'systemd'));
  mkdirSync(join(systemd.units, `${UNIT}.d`));
  writeFileSync(join(systemd.units, `${UNIT}.d/quicker.conf`), QUICKER);
  await systemd.ctl('daemon-reload');
});
afterAll(async () => {
  if (skipped !== null) return;
  try {
    await rig.llmops('-C', odd, 'down', '-y');
    await (systemd as Systemd | undefined)?.end(); // it may not have begun
  } finally {
    await rig.end();
  }
});

const mainPid = async (): Promise<number> => Number(await systemd.show(UNIT, 'MainPID'));

/** Resolves to the pid of the daemon that came after another one, and is ready. */
async function successor(pid: number): Promise<number> {
  return until(async () => {
    const next = await mainPid();
    const isReady = next !== pid && (await systemd.show(UNIT, 'ActiveState')) === 'active';
    return isReady ? next : 0;
  });
}

/** Resolves when systemd has heard that what is declared is in force. */
const told = (): Promise<unknown> => until(async () => (await systemd.show(UNIT, 'StatusText')).includes(': in force.'));

describe.skipIf(skipped !== null)(`Under a real systemd${skipped === null ? '' : ` (${skipped})`}`, () => {
  it('the unit is active once the daemon can be asked, and its status is what the daemon is at', async () => {
    await systemd.ctl('start', UNIT);
    expect((await askStatus(rig.stateDir))?.pid).toBe(await mainPid());
    await told();
    expect(await systemd.show(UNIT, 'StatusText')).toContain(`It follows ${join(odd, 'llmops.yaml')}.`);
    expect(await triage(rig.endpoint()?.url ?? '')).toEqual(TRIAGED);
  });

  it('a restart, a kill, a hang and a stop take no engine down and cut no answer', async () => {
    const engine = rig.engine().pid;
    const first = await mainPid();
    const { first: begun, whole } = await stream(rig.endpoint()?.url ?? '');
    await begun;
    await systemd.ctl('restart', UNIT);
    const second = await successor(first);
    expect(await whole).toMatch(/\[DONE\]\s*$/);

    signal(second, 'SIGKILL');
    const third = await successor(second);
    await told();
    signal(third, 'SIGSTOP');
    await successor(third);
    expect(isAlive(third)).toBe(false);
    await told();

    await systemd.ctl('stop', UNIT);
    expect(await systemd.show(UNIT, 'ActiveState')).toBe('inactive');
    expect(await systemd.show(UNIT, 'StatusText')).toBe('It ends. The engines go on running.');
    expect(rig.engine().pid).toBe(engine);
    expect(await triage(rig.endpoint()?.url ?? '')).toEqual(TRIAGED);

    await systemd.ctl('start', UNIT);
    await told();
    expect(rig.engine().pid).toBe(engine);
  });
});
