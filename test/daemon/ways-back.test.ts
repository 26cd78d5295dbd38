import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { takesMinutes } from '../guard/patience.ts';
import { newHome, until, type Home } from './home.ts';

takesMinutes();

const PROBE = 'daemon: { probe: 1s }\n';
const BAKED = (context: number) => `context: ${context}, rollout: { bake: 1h }`;

function end(home: Home, model: string): void {
  for (const one of home.engines.realm('one').instances.values()) if (one.spec.model === model) one.phase = 'failed';
}

const rest = (home: Home) => until('rest', async () => (await home.picture())?.phase === 'idle');
const serialOf = (home: Home, model: string) =>
  [...home.engines.realm('one').instances.values()].find(({ spec }) => spec.model === model)?.serial;

/** Of the plan that waits and does this. */
async function keyOf(home: Home, what: string): Promise<string> {
  const { message } = await home.told('plan.parked', (event) => event.message.startsWith(`Parked: ${what}`));
  return /llmops approve ([0-9a-f]{12})/.exec(message)?.[1] ?? '';
}

describe('An approval', () => {
  it('is for once: the same change is asked for again when it comes again', async () => {
    const home = await newHome();
    const policy = `${PROBE}policy: { approve: destructive }\n`;
    const both = { chat: 'context: 256', embed: 'context: 256' };
    home.declare(both, policy);
    await home.up();
    await home.settles('chat 256 serving', 'embed 256 serving');
    home.declare({ embed: 'context: 256' }, policy);
    const key = await keyOf(home, 'delete chat');
    await home.llmops('approve', key, '--reason', 'nobody uses it');
    expect(await home.told('plan.approved')).toMatchObject({ plan: key, why: 'nobody uses it' });
    await home.settles('embed 256 serving');
    home.declare(both, policy);
    await home.settles('chat 256 serving', 'embed 256 serving');
    home.declare({ embed: 'context: 256' }, policy);
    await until('a plan that waits', async () => (await home.picture())?.parked);
    await home.llmops('reconcile');
    await rest(home);
    expect(home.copies()).toEqual(['chat 256 serving', 'embed 256 serving']);
  });
});

describe('An approval of several changes', () => {
  it('lets the rest through as well where the daemon was killed after the first of them', async () => {
    const home = await newHome();
    const policy = `${PROBE}policy: { approve: all }\n`;
    const both = (context: number) => ({ chat: `context: ${context}`, embed: `context: ${context}` });
    home.declare(both(256), policy);
    const first = await home.up('--parallelism', '1');
    await home.llmops('approve', await keyOf(home, 'create'));
    await home.settles('chat 256 serving', 'embed 256 serving');
    let struck = false;
    home.engines.fault({ kind: 'hang', method: 'POST', path: /embed.*probe/, struck: () => (struck = true) });
    home.declare(both(512), policy);
    await home.llmops('approve', await keyOf(home, 'update'));
    await until('a probe that hangs', () => struck);
    await until('the first of them', () => home.copies().includes('chat 512 serving') && !home.copies().includes('chat 256 serving'));
    first.kill('SIGKILL');
    await first.ended;
    home.engines.clearFaults();
    await home.up();
    await home.settles('chat 512 serving', 'embed 512 serving');
  });
});

describe('What people hold', () => {
  it('and was damaged lets nothing new through, also after the daemon was told to end, until somebody says so', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256, rollout: { bake: 0s }' }, PROBE);
    const first = await home.up();
    await home.settles('chat 256 serving');
    home.declare({ chat: 'context: 512, rollout: { bake: 0s }' }, PROBE);
    await home.settles('chat 512 serving');
    expect((await home.llmops('rollback', '-y')).code).toBe(0);
    const path = join(home.stateDir, 'holds.json');
    writeFileSync(path, readFileSync(path).subarray(0, 40));
    await home.llmops('reconcile');
    first.kill('SIGTERM');
    await first.ended;
    await home.up();
    const { message } = await home.told('plan.refused');
    expect(message).toMatch(/holds\.json.*llmops resume/);
    end(home, 'chat');
    await home.serves('chat 256 serving');
    const suspended = await home.llmops('suspend');
    expect([suspended.code, suspended.stderr]).toEqual([1, expect.stringContaining('llmops resume')]);
    expect((await home.llmops('resume')).code).toBe(0);
    await home.settles('chat 512 serving');
  });
});

describe('The way back of a release that does not hold', () => {
  it('is not to one that was parked, though a crash was mended while it was', async () => {
    const home = await newHome();
    const policy = `${PROBE}policy: { approve: destructive }\n`;
    home.declare({ chat: BAKED(512), embed: BAKED(640) }, policy);
    await home.up();
    await home.settles('chat 512 serving', 'embed 640 serving');
    home.declare({ embed: BAKED(640) }, policy);
    await home.told('plan.parked');
    end(home, 'embed');
    const mended = await home.told('run.finished', ({ trigger, message }) => trigger === 'crash' && message !== undefined);
    await home.serves('chat 512 serving', 'embed 640 serving');
    const chat = serialOf(home, 'chat');
    home.declare({ chat: BAKED(512), embed: BAKED(768) }, policy);
    await home.llmops('approve', await keyOf(home, 'update embed'));
    await home.settles('chat 512 serving', 'embed 768 serving');
    end(home, 'embed');
    const { to } = await home.told('rollback.started');
    expect([to, mended['generation']]).toEqual([1, 2]);
    await home.serves('chat 512 serving', 'embed 640 serving');
    expect(serialOf(home, 'chat')).toBe(chat);
  });

  it('is to the newest that held, whoever applied it', async () => {
    const home = await newHome();
    home.declare({ chat: BAKED(256) }, PROBE);
    const first = await home.up();
    await home.settles('chat 256 serving');
    first.kill('SIGTERM');
    await first.ended;
    home.declare({ chat: BAKED(256), embed: BAKED(512) }, PROBE);
    expect((await home.llmops('apply', '-y')).code).toBe(0);
    await home.up();
    await rest(home);
    home.declare({ chat: BAKED(768), embed: BAKED(512) }, PROBE);
    await home.settles('chat 768 serving', 'embed 512 serving');
    end(home, 'chat');
    expect(await home.told('rollback.started')).toMatchObject({ to: 2 });
    await home.serves('chat 256 serving', 'embed 512 serving');
  });

  it('is found also while the next release has come since', async () => {
    const home = await newHome();
    home.declare({ chat: BAKED(256), embed: BAKED(256) }, PROBE);
    await home.up();
    await home.settles('chat 256 serving', 'embed 256 serving');
    home.declare({ chat: BAKED(512), embed: BAKED(256) }, PROBE);
    await home.settles('chat 512 serving', 'embed 256 serving');
    home.declare({ chat: BAKED(512), embed: BAKED(512) }, PROBE);
    await home.settles('chat 512 serving', 'embed 512 serving');
    end(home, 'chat');
    expect(await home.told('rollback.started')).toMatchObject({ to: 1 });
    await home.serves('chat 256 serving', 'embed 256 serving');
    expect((await home.events()).filter(({ type }) => type === 'revision.quarantined')).toHaveLength(2); // neither has held
    home.declare({ chat: BAKED(512), embed: BAKED(256) }, PROBE); // as the one in the middle was: its model did not hold
    await home.llmops('reconcile');
    await rest(home);
    await home.serves('chat 256 serving', 'embed 256 serving');
  });

  it('is not gone for a model that is suspended', async () => {
    const home = await newHome();
    home.declare({ chat: BAKED(256), embed: BAKED(256) }, PROBE);
    await home.up();
    await home.settles('chat 256 serving', 'embed 256 serving');
    home.declare({ chat: BAKED(512), embed: BAKED(512) }, PROBE);
    await home.settles('chat 512 serving', 'embed 512 serving');
    await home.llmops('suspend', 'chat');
    end(home, 'chat');
    for (let times = 0; times < 3; times += 1) await home.llmops('reconcile');
    await rest(home);
    expect(home.copies()).toEqual(['chat 512 failed', 'embed 512 serving']);
    expect((await home.picture())?.pin).toBeNull();
    await home.llmops('resume', 'chat');
    expect(await home.told('rollback.started')).toMatchObject({ to: 1 });
  });
});
