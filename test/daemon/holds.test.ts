import { describe, expect, it } from 'vitest';
import { WEEKDAYS } from '../../src/domain/policy.ts';
import { takesMinutes } from '../guard/patience.ts';
import { newHome, until, type Home } from './home.ts';

takesMinutes();

const PROBE = 'daemon: { probe: 1s }\n';

function kill(home: Home, model: string): void {
  for (const one of home.engines.realm('one').instances.values()) if (one.spec.model === model) one.phase = 'failed';
}

/** Looks twice at everything, and resolves when nothing came of it. */
async function lookTwice(home: Home): Promise<void> {
  for (let times = 0; times < 2; times += 1) expect((await home.llmops('reconcile')).code).toBe(0);
  await until('rest', async () => ['idle', 'suspended'].includes((await home.picture())?.phase ?? ''));
}

describe('A suspension', () => {
  it('of the stack leaves all of it as it is, until it is resumed; a daemon that comes later says so', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    const daemon = await home.up();
    await home.settles('chat 256 serving');
    expect((await home.llmops('suspend', '--reason', 'moving house')).stdout).toMatch(
      /^The stack desk: left as it is until: llmops resume\./,
    );
    expect((await home.told('suspended')).message).toMatch(
      /^The stack is left as it is, by \S+: moving house\. To end that: llmops resume$/,
    );
    home.declare({ chat: 'context: 512' }, PROBE);
    kill(home, 'chat');
    await lookTwice(home);
    expect(home.copies()).toEqual(['chat 256 failed']);
    const crash = await home.told('model.crashed');
    expect([crash['inMs'], crash.message]).toEqual([
      null,
      expect.stringMatching(/left as it is, because the stack is suspended\. To end that: llmops resume$/),
    ]);
    expect((await home.llmops('resume', 'chat')).stdout).toMatch(
      /^The whole stack is suspended by \S+, and chat with it, so nothing happens yet\. To lift that: llmops resume\n$/,
    );
    await lookTwice(home);
    expect((await home.events()).filter(({ type }) => type === 'model.crashed')).toHaveLength(1);
    expect((await home.llmops('status')).stdout.replace(/\s+/g, ' ')).toMatch(/[Ss]uspended by \S+: moving house/);
    daemon.kill('SIGTERM');
    await daemon.ended;
    const later = await home.up();
    await later.says('The stack is left as it is');
    expect(home.copies()).toEqual(['chat 256 failed']);
    expect((await home.llmops('resume', '--reason', 'moved in')).stdout).toMatch(
      /^Lifted: the suspension\. The daemon works towards release [0-9a-f]{12}\.\n$/,
    );
    await home.settles('chat 512 serving');
    const { who, why, message } = await home.told('resumed');
    expect([who, why, message]).toEqual([
      expect.stringMatching(/./),
      'moved in',
      `The stack is looked after again, by ${String(who)}: moved in.`,
    ]);
  });

  it('ends without what a rollback holds, which takes a second word', async () => {
    const home = await newHome();
    for (const context of [256, 512]) {
      home.declare({ chat: `context: ${context}, rollout: { bake: 0s }` }, PROBE);
      expect((await home.llmops('apply', '-y')).code).toBe(0);
    }
    await home.up();
    const back = await home.llmops('rollback', '-y');
    expect(back.code, back.stdout + back.stderr).toBe(0);
    await home.llmops('suspend', '--reason', 'moving house');
    const first = await home.llmops('resume');
    expect(first.stdout).toMatch(
      /^Lifted: the suspension\. The daemon works towards generation 1\. Still held: the way back to generation 1, by \S+\. To lift that as well, once more: llmops resume\n$/,
    );
    await lookTwice(home);
    expect(home.copies()).toEqual(['chat 256 serving']);
    const second = await home.llmops('resume');
    expect(second.stdout).toMatch(/^Lifted: the way back to generation 1, the quarantine of release [0-9a-f]{12}\. The daemon works/);
    await home.settles('chat 512 serving');
    expect((await home.llmops('rollback', '-y')).code).toBe(0);
    await home.llmops('suspend');
    expect((await home.llmops('resume', '--rollback')).stdout).toMatch(
      /^Lifted: the suspension, the way back to generation \d+, the quarantine/,
    );
    await home.settles('chat 512 serving');
  });

  it('is told by `status` also where no daemon runs', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    expect((await home.llmops('apply', '-y')).code).toBe(0);
    await home.llmops('suspend', 'chat', '--reason', 'a benchmark');
    const { stdout } = await home.llmops('status');
    expect(stdout).toMatch(/^Held +for the next llmops up: chat is suspended by \S+ \(a benchmark\)$/m);
    await home.llmops('resume');
    expect((await home.llmops('status')).stdout).not.toContain('Held');
  });

  it('of a model leaves that one alone', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256', embed: 'context: 256' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving', 'embed 256 serving');
    await home.llmops('suspend', 'chat');
    home.declare({ chat: 'context: 512', embed: 'context: 512' }, PROBE);
    await home.serves('chat 256 serving', 'embed 512 serving');
    kill(home, 'chat');
    await lookTwice(home);
    expect(home.copies()).toEqual(['chat 256 failed', 'embed 512 serving']);
    expect((await home.told('model.crashed')).message).toMatch(
      / It is left as it is, because it is suspended\. To end that: llmops resume chat$/,
    );
    const shown = (await home.llmops('status')).stdout.replace(/\s+/g, ' ');
    expect(shown).toMatch(/; it is suspended by \S+ → llmops resume chat /);
    expect(shown).not.toContain('started anew');
    const unknown = await home.llmops('suspend', 'chatt');
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('chat')]);
    await home.llmops('resume', 'chat');
    await home.settles('chat 512 serving', 'embed 512 serving');
  });

  it('ends by itself when its time is over', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving');
    const { stdout } = await home.llmops('suspend', '--for', '3s');
    expect(stdout).toMatch(/left as it is until \d{4}-/);
    home.declare({ chat: 'context: 512' }, PROBE);
    await home.settles('chat 512 serving');
    expect(await home.told('resumed')).toMatchObject({ who: null, message: 'The stack is looked after again: its time is over.' });
  });

  it('cuts short what is being applied', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    let struck = false;
    home.engines.fault({ kind: 'hang', method: 'POST', path: /probe/, struck: () => (struck = true) });
    await home.up();
    await until('a probe that hangs', () => struck);
    await home.llmops('suspend');
    expect(await home.told('run.finished', ({ message }) => message !== undefined)).toMatchObject({ outcome: 'cancelled' });
    await until('the suspension', async () => (await home.picture())?.phase === 'suspended');
    home.engines.clearFaults();
    await home.llmops('resume');
    await home.settles('chat 256 serving');
  });
});

describe('A policy', () => {
  it('parks what deletes until exactly that is approved', async () => {
    const home = await newHome();
    const policy = `${PROBE}policy: { approve: destructive }\n`;
    home.declare({ chat: 'context: 256', embed: 'context: 256', third: 'context: 256', fourth: 'context: 256' }, policy);
    await home.up();
    const all = ['chat', 'embed', 'fourth', 'third'].map((name) => `${name} 256 serving`);
    await home.settles(...all);
    home.declare({ chat: 'context: 256', embed: 'context: 256', third: 'context: 256' }, policy);
    const parked = await home.told('plan.parked');
    const key = /llmops approve ([0-9a-f]{12})/.exec(parked.message)?.[1] ?? '';
    expect(parked.message).toMatch(
      /^Parked: delete fourth\. It deletes, or takes from clients for a while: fourth\. It waits for: llmops approve [0-9a-f]{12}$/,
    );
    await lookTwice(home);
    expect(home.copies()).toEqual(all);
    expect((await home.llmops('status')).stdout.replace(/\s+/g, ' ')).toMatch(new RegExp(`└ [^→]* → llmops approve ${key} `));
    const wrong = await home.llmops('approve', '000000000000');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining(`The plan that waits is ${key} now, and not 000000000000.`)]);
    // Asked many times while the daemon looks: a look that is under way must not hide what waits.
    for (let times = 0; times < 50; times += 1) expect((await home.picture())?.parked?.key).toBe(key);
    const approved = await home.llmops('approve', key);
    expect([approved.code, approved.stdout]).toEqual([0, expect.stringMatching(/^Approved: delete fourth\. It is applied now\./)]);
    await home.settles(...all.filter((copy) => !copy.startsWith('fourth')));
    expect((await home.llmops('approve')).stderr).toContain('No plan waits for an approval.');
  });

  it('or none: what deletes much waits all the same', async () => {
    const home = await newHome();
    const names = ['a', 'b', 'c', 'd'];
    const declare = (...some: string[]) => home.declare(Object.fromEntries(some.map((name) => [name, 'context: 256'])), PROBE);
    declare(...names);
    await home.up();
    await home.settles(...names.map((name) => `${name} 256 serving`));
    declare('a');
    const { message } = await home.told('plan.parked');
    expect(message).toMatch(/^Parked: delete b, c, d\. This plan deletes 3 of 4 models.* It waits for: llmops approve [0-9a-f]{12}$/);
    await lookTwice(home);
    expect(home.copies()).toHaveLength(4);
    kill(home, 'b');
    await home.serves(...names.map((name) => `${name} 256 serving`));
    expect((await home.llmops('approve')).code).toBe(0);
    await home.settles('a 256 serving');
  });

  it('keeps changes for its windows, tells until when, and mends what crashes at any time', async () => {
    const home = await newHome();
    // Tomorrow's, so that it is closed now whatever the time is, except in the minute in which the day ends.
    const day = WEEKDAYS[(new Date().getUTCDay() + 2) % 7];
    const policy = `${PROBE}policy: { windows: [{ days: [${day}], from: "03:00", to: "04:00", timezone: UTC }] }\n`;
    home.declare({ chat: 'context: 256, rollout: { bake: 0s }' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving');
    home.declare({ chat: 'context: 512, rollout: { bake: 0s }' }, policy);
    const parked = await home.told('plan.parked');
    expect(parked['until']).toMatch(/^\d{4}-\d\d-\d\dT03:00:00\.000Z$/);
    expect(parked.message).toMatch(/^Parked: update chat\. No change window is open\. It waits until \d{4}-.*Z\.$/);
    kill(home, 'chat');
    await home.serves('chat 256 serving');
    const shown = (await home.llmops('status')).stdout.replace(/\s+/g, ' ');
    expect(shown).toContain('not applied: No change window is open. It waits until 20');
    expect(shown, 'by the clock here').not.toMatch(/T\d\d:\d\d:\d\d/);
    expect(shown).toMatch(/→ waits until [-\d]+ [\d:]+; now: llmops approve [0-9a-f]{12}/);
    expect((await home.picture())?.conditions.at(-1)).toMatchObject({ type: 'Stalled', status: 'False' });
    expect((await home.llmops('approve')).code).toBe(0);
    await home.settles('chat 512 serving');
  });
});

describe('What a person does by hand', () => {
  it('`llmops down` is not undone by the daemon', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving');
    expect((await home.llmops('down')).code).toBe(0);
    await lookTwice(home);
    expect(home.copies()).toEqual([]);
    await home.llmops('resume');
    await home.settles('chat 256 serving');
  });
});
