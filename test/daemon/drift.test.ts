import { describe, expect, it } from 'vitest';
import { takesMinutes } from '../guard/patience.ts';
import { receiver } from '../notify/receiver.ts';
import { newHome, until, type Home } from './home.ts';

takesMinutes();

const PROBE = 'daemon: { probe: 1s }\n';

const find = (home: Home, model: string) => [...home.engines.realm('one').instances.values()].find(({ spec }) => spec.model === model);

function instance(home: Home, model: string) {
  const found = find(home, model);
  if (!found) throw new Error(`no ${model}`);
  return found;
}

/** As somebody does it who talks to the engine himself: it runs with something else than it was told. */
function edit(home: Home, model: string, context: number): void {
  const one = instance(home, model);
  one.loaded = { ...one.loaded, context };
}

const all = async (home: Home, type: string) => (await home.events()).filter((event) => event.type === type);

describe('A fix', () => {
  it('ends the wait of a run that does not come to an end, and is begun', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' });
    await home.up();
    await home.settles('chat 256 serving');
    let struck = 0;
    home.engines.fault({ kind: 'hang', method: 'POST', path: /probe/, struck: () => (struck += 1) });
    home.declare({ chat: 'context: 512' });
    await until('a probe that hangs', () => struck > 0);
    expect((await home.picture())?.phase).toBe('applying');
    home.engines.clearFaults();
    home.declare({ chat: 'context: 1024' });
    await home.settles('chat 1024 serving');
    const runs = (await home.events()).filter(({ type, message }) => message !== undefined && type.startsWith('run.'));
    expect(runs.map(({ type, outcome = '' }) => `${type} ${String(outcome)}`.trim())).toEqual([
      'run.started',
      'run.finished succeeded',
      'run.started',
      'run.finished cancelled',
      'run.started',
      'run.finished succeeded',
    ]);
    expect(runs[3]?.message).toContain('cut short');
  });

  it('comes through though the change before it fails again and again', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256', embed: 'context: 256' });
    await home.up();
    await home.settles('chat 256 serving', 'embed 256 serving');
    home.engines.fault({ kind: 'status', method: 'POST', path: /chat.*probe/ });
    home.declare({ chat: 'context: 512', embed: 'context: 512' });
    await home.told('run.finished', ({ outcome }) => outcome === 'partly' || outcome === 'failed');
    await home.serves(...home.copies().filter((copy) => copy.startsWith('chat')), 'embed 512 serving');
    home.engines.clearFaults();
    home.declare({ chat: 'context: 1024', embed: 'context: 512' });
    await home.settles('chat 1024 serving', 'embed 512 serving');
  });
});

interface Row {
  readonly name: string;
  readonly state: string;
  readonly fix: string | null;
}

it('A start that fails for good waits for a person, and says why and what to do', async () => {
  const home = await newHome();
  home.declare({ chat: 'context: 256', embed: 'context: 256' }, PROBE);
  await home.up();
  await home.settles('chat 256 serving', 'embed 256 serving');
  home.engines.fault({ kind: 'status', method: 'POST', path: /chat.*probe/ });
  home.declare({ chat: 'context: 512', embed: 'context: 256' }, PROBE);
  const failed = await until('that it says so', async () => (await home.picture())?.stalled.find(({ code }) => code === 'failed-before'));
  expect(failed).toMatchObject({ model: 'chat', fix: expect.stringContaining('llmops apply --target chat') });
  expect(failed.summary).toMatch(/exactly this was tried in generation \d+ and failed, and is not tried again by itself\. It failed so: ./);
  expect((await home.picture())?.conditions).toMatchObject([{ reason: 'FailedBefore' }, {}, { status: 'True', reason: 'FailedBefore' }]);
  const rows = async () => (JSON.parse((await home.llmops('status', '--json')).stdout) as { models: readonly Row[] }).models;
  const row = await until('a row that says so', async () => (await rows()).find(({ state }) => state === 'blocked'), rows);
  expect([row.name, row.fix]).toEqual(['chat', failed.fix]);
  const shown = async () => (await home.llmops('status')).stdout.replace(/\s+/g, ' ');
  const words = /goes no further: chat is left as it is: .* → Change models\.chat/;
  await until('these words', async () => words.test(await shown()), shown);
});

describe('What moves by itself', () => {
  it('a copy that ended is started anew, and the others are left alone', async () => {
    const home = await newHome();
    home.declare({ chat: '', embed: '' }, PROBE);
    await home.up();
    await home.settles('chat null serving', 'embed null serving');
    const [chat, embed] = [instance(home, 'chat').serial, instance(home, 'embed').serial];
    instance(home, 'chat').phase = 'failed';
    await until('another copy', () => find(home, 'chat')?.serial !== chat && find(home, 'chat')?.phase === 'serving');
    expect(instance(home, 'embed').serial).toBe(embed);
    expect((await home.told('model.crashed')).message).toMatch(/^chat: .* It is started anew in \d/);
  });

  it('a copy that ends again and again is started anew each time, and from the third time on somebody is called', async () => {
    await using hook = await receiver();
    const home = await newHome({ HOOK: hook.url });
    home.declare({ chat: 'rollout: { bake: 0s }' }, 'daemon: { probe: 1s, notify: [{ url: { env: HOOK } }] }\n');
    await home.up();
    await home.settles('chat null serving');
    for (let times = 1; times <= 3; times += 1) {
      const { serial } = instance(home, 'chat');
      instance(home, 'chat').phase = 'failed';
      await home.told('model.crashed', (event) => event['times'] === times);
      await until('another copy', () => find(home, 'chat')?.phase === 'serving' && find(home, 'chat')?.serial !== serial);
      await home.settles('chat null serving');
    }
    const { body } = await until('the webhook', () => hook.received[0]);
    expect([hook.received.length, body['type'], body['times']]).toEqual([1, 'model.crashed', 3]);
    expect(body['message']).toMatch(/^chat: .* That was 3 times in a row\. It is started anew in 1 s\.$/);
  });

  it('a setting that somebody changed is named and put right', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving');
    edit(home, 'chat', 999);
    const { message, ...drift } = await home.told('drift.found');
    expect(drift).toMatchObject({ model: 'chat', field: 'context', policy: 'correct' });
    expect(message).toMatch(/^chat: .*256.*999.*\. It is put right\.$|^chat: .*999.*256.*\. It is put right\.$/);
    await until('the setting', () => find(home, 'chat')?.loaded['context'] === 256);
    expect(await home.told('run.finished', ({ trigger }) => trigger === 'drift')).toMatchObject({ outcome: 'succeeded' });
  });

  it('is only told with `warn`, and not even that with `ignore`', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256, drift: { default: warn }', embed: 'context: 256, drift: { default: ignore }' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving', 'embed 256 serving');
    edit(home, 'embed', 998);
    edit(home, 'chat', 999);
    expect((await home.told('drift.found')).message).toMatch(/It is left, as its policy says\.$/);
    await home.llmops('reconcile');
    await home.llmops('reconcile');
    expect([instance(home, 'chat').loaded['context'], instance(home, 'embed').loaded['context']]).toEqual([999, 998]);
    expect((await all(home, 'drift.found')).map(({ model }) => model)).toEqual(['chat']);
    expect(await all(home, 'run.finished')).toHaveLength(2);
  });

  it('and is moved back each time is put right three times and then left, with what was seen', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving');
    let edits = 0;
    const other = setInterval(() => {
      const one = home.engines.realm('one').instances.values().next().value;
      if (one?.phase !== 'serving' || one.loaded['context'] === 999) return;
      edits += 1;
      one.loaded = { ...one.loaded, context: 999 };
    }, 20);
    try {
      const held = await home.told('model.held');
      expect(held).toMatchObject({ model: 'chat', field: 'context' });
      expect(held.message).toMatch(
        /somebody else changes context as well\. It was put right 3 times and changed back each time: .* It is left as it is; find the other one, then: llmops reconcile$/,
      );
      expect(edits).toBe(4);
      const drifts = (await all(home, 'run.finished')).filter(({ trigger }) => trigger === 'drift');
      expect(drifts).toHaveLength(3);
    } finally {
      clearInterval(other);
    }
    const isStalled = ({ type, reason }: { readonly type: string; readonly reason: string }) =>
      type === 'Stalled' && reason === 'Contested';
    await until('that it says so', async () => (await home.picture())?.conditions.some(isStalled) === true);
    expect(await home.picture()).toMatchObject({
      held: [{ model: 'chat', field: 'context' }],
      stalled: [{ code: 'contested', model: 'chat' }],
    });
    const shown = (await home.llmops('status')).stdout.replace(/\s+/g, ' ');
    expect(shown).toContain('somebody else changes context back each time → find the other one, then: llmops reconcile');
    expect(shown).not.toContain('llmops apply');
    await home.llmops('reconcile');
    await until('the setting', () => find(home, 'chat')?.loaded['context'] === 256);
    await home.settles('chat 256 serving');
  });
});
