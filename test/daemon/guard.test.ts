import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readHolds } from '../../src/state/index.ts';
import { takesMinutes } from '../guard/patience.ts';
import { receiver } from '../notify/receiver.ts';
import { newHome, until, type Home } from './home.ts';

takesMinutes();

const PROBE = 'daemon: { probe: 1s, notify: [{ url: { env: HOOK }, on: [run.*, trouble] }] }\n';
const one = (context: number) => ({ chat: `context: ${context}, rollout: { bake: 10m }` });

/** Pids of guards of this home. */
function guards({ stateDir }: Home): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.includes('--guard') && words.includes(stateDir);
      } catch {
        return false; // ended meanwhile
      }
    })
    .map(Number);
}

/** A release that is watched, and the daemon that applied it, ended by this signal. */
async function endedInTheBake(signal: NodeJS.Signals, hook = ''): Promise<Home> {
  const home = await newHome({ HOOK: hook });
  home.declare(one(256), PROBE);
  const daemon = await home.up();
  await home.settles('chat 256 serving');
  home.declare(one(512), PROBE);
  await home.settles('chat 512 serving');
  await until('a guard', () => guards(home).length === 1);
  daemon.kill(signal);
  await daemon.ended;
  return home;
}

function crash({ engines }: Home): void {
  for (const copy of engines.realm('one').instances.values()) copy.phase = 'failed';
}

describe('A daemon that dies while a release is watched', () => {
  it('is stood in for: a release that does not hold is taken back, once, that is sent to who is to hear of it, and the guard ends', async () => {
    await using hook = await receiver();
    const home = await endedInTheBake('SIGKILL', hook.url);
    const before = hook.received.length;
    crash(home);
    await home.serves('chat 256 serving');
    await until('the end of the guard', () => guards(home).length === 0);
    const heard = hook.received.slice(before).map(({ body }) => body['type']);
    expect(heard).toEqual(expect.arrayContaining(['revision.quarantined', 'rollback.started', 'run.finished']));
    const { holds } = await readHolds(home.stateDir);
    expect(holds).toMatchObject({ bake: null, pin: { generation: 1 }, quarantined: [{}] });
    await home.up();
    await until('rest', async () => (await home.picture())?.phase === 'idle');
    expect(home.copies()).toEqual(['chat 256 serving']);
  });

  it('gets its place back when it returns, with what it watched', async () => {
    const home = await endedInTheBake('SIGKILL');
    await home.up();
    expect((await home.picture())?.bake).toMatchObject({ previous: 1 });
    crash(home);
    await home.serves('chat 256 serving');
  });

  it('but not one that was told to end: then nobody goes back for it', async () => {
    const home = await endedInTheBake('SIGTERM');
    await until('the end of the guard', () => guards(home).length === 0);
    expect(home.copies()).toEqual(['chat 512 serving']);
  });
});
