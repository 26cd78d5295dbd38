import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProblemError } from '../../src/domain/problem.ts';
import { event, notifier, receiver, type Behaviour } from './receiver.ts';

/** Answers these statuses one after the other, then 200. */
const statuses =
  (list: readonly number[], headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (response, nth) =>
    void response.writeHead(list[nth] ?? 200, nth < list.length ? headers : {}).end();

describe('A webhook that fails for now', () => {
  it.each([500, 502, 503, 408, 425, 429])('is asked again with the same id after %i', async (status) => {
    await using server = await receiver(statuses([status, status]));
    const { notifier: made, problems, clock } = notifier({ url: { text: server.url } });
    made.tell(event(1));
    made.tell(event(2));
    await made.flush(5000);
    expect(server.received.map(({ body }) => body['message'])).toEqual(['event 1', 'event 1', 'event 1', 'event 2']);
    expect(new Set(server.received.map(({ headers }) => headers['x-llmops-event-id'])).size).toBe(2);
    expect(clock.pauses).toEqual([1000, 2000]);
    expect(problems.map(({ code, summary }) => [code, summary])).toEqual([
      ['notify-late', `The webhook daemon.notify.0 at ${server.host} answers ${status}; it is tried again for an hour.`],
    ]);
  });

  it.each([
    ['40', 40_000],
    [new Date(1_000_000 + 90_000).toUTCString(), 90_000],
    ['999999', 3_600_000],
  ])('is left alone for as long as it asks: %s', async (header, ms) => {
    await using server = await receiver(statuses([429], { 'retry-after': header }));
    const { notifier: made, clock } = notifier({ url: { text: server.url } });
    made.tell(event(1));
    await made.flush(5000);
    expect(clock.pauses).toEqual([ms]);
    expect(server.received.length).toBe(2);
  });

  it('is asked again after it hung', async () => {
    await using server = await receiver((response, nth) => void (nth > 0 && response.writeHead(204).end()));
    const { notifier: made, problems } = notifier({ url: { text: server.url } }, { deadlineMs: 100 });
    made.tell(event(1));
    await made.flush(5000);
    expect(server.received.length).toBe(2);
    expect(problems[0]!.summary).toContain('did not answer within 0.1 s');
  });

  it('is asked again after it cut the connection', async () => {
    await using server = await receiver((response, nth) => void (nth > 0 ? response.writeHead(204).end() : response.destroy()));
    const { notifier: made, problems } = notifier({ url: { text: server.url } });
    made.tell(event(1));
    await made.flush(5000);
    expect([server.received.length, problems[0]!.summary]).toEqual([2, expect.stringContaining('closed the connection')]);
  });

  it('is given up after an hour, and told how many it did not hear', async () => {
    let isUp = false;
    await using server = await receiver((response) => void response.writeHead(isUp ? 200 : 500).end());
    const { notifier: made, problems, clock } = notifier({ url: { text: server.url } });
    made.tell(event(1));
    await made.flush(5000);
    expect(clock.pauses.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(3_600_000);
    expect(Math.max(...clock.pauses)).toBe(300_000);
    expect(problems.map(({ code }) => code)).toEqual(['notify-late', 'notify-failed']);
    isUp = true;
    made.tell(event(1));
    await made.flush(5000);
    expect(server.received.at(-1)!.body).toMatchObject({ message: 'event 1', omitted: { same: 0, lost: 1 } });
  });

  it('loses the oldest of more than two hundred', async () => {
    await using server = await receiver(statuses([503]));
    const { notifier: made } = notifier({ url: { text: server.url } });
    for (let i = 0; i < 250; i += 1) made.tell(event(i));
    await made.flush(20_000);
    const heard = server.received.slice(1).map(({ body }) => body['message']);
    expect([heard.length, heard[0], heard.at(-1)]).toEqual([200, 'event 50', 'event 249']);
    expect(server.received[1]!.body['omitted']).toEqual({ same: 0, lost: 50 });
  });

  it('does not accept connections', async () => {
    const gone = await receiver();
    await gone[Symbol.asyncDispose]();
    const { notifier: made, problems } = notifier({ url: { text: gone.url } });
    made.tell(event(1));
    await made.flush(5000);
    expect(problems.map(({ code }) => code)).toEqual(['notify-late', 'notify-failed']);
    expect(problems[0]!.summary).toContain('does not accept connections');
  });
});

describe('A webhook that refuses', () => {
  it('is not asked again, and that is said once for each cause', async () => {
    await using server = await receiver(statuses([404, 404, 403, 404]));
    const { notifier: made, problems } = notifier({ url: { text: server.url } });
    for (let i = 0; i < 4; i += 1) made.tell(event(i));
    await made.flush(5000);
    expect(server.received.length).toBe(4);
    expect(problems.map(({ code, summary }) => `${code} ${/answers \d+/.exec(summary)![0]}`)).toEqual([
      'notify-failed answers 404',
      'notify-failed answers 403',
    ]);
  });

  it('has its address looked up anew', async () => {
    await using server = await receiver(statuses([410]));
    let asked = 0;
    const { notifier: made } = notifier(
      { url: { env: 'HOOK' } },
      { resolveSecret: () => Promise.resolve(`${server.url}/${(asked += 1)}`) },
    );
    for (let i = 0; i < 3; i += 1) made.tell(event(i));
    await made.flush(5000);
    expect(server.received.map(({ path }) => path)).toEqual(['/hook/1', '/hook/2', '/hook/2']);
  });
});

describe('A redirect', () => {
  it('is followed within its host', async () => {
    await using server = await receiver((response, _, path) =>
      path === '/hook' ? void response.writeHead(308, { location: '/there' }).end() : void response.writeHead(200).end(),
    );
    const { notifier: made, problems } = notifier({ url: { text: server.url } });
    made.tell(event(1));
    await made.flush(5000);
    expect(server.received.map(({ path, body }) => [path, body['message']])).toEqual([
      ['/hook', 'event 1'],
      ['/there', 'event 1'],
    ]);
    expect(problems).toEqual([]);
  });

  it.each(['elsewhere', 'without an end', 'without a place'])('%s is not', async (kind) => {
    await using other = await receiver();
    const headers = { elsewhere: { location: other.url }, 'without an end': { location: '/hook' }, 'without a place': {} }[kind]!;
    await using server = await receiver((response) => void response.writeHead(307, headers).end());
    const { notifier: made, problems } = notifier({ url: { text: server.url } });
    made.tell(event(1));
    await made.flush(5000);
    expect([other.received.length, problems.map(({ code }) => code)]).toEqual([0, ['notify-failed']]);
  });
});

describe('An address', () => {
  it.each([
    ['CANARY', 'has no address'],
    ['ftp://e.com/CANARY', 'has no address'],
    [new Error('CANARY'), 'cannot be had now;'],
    [new ProblemError({ code: 'secret-unavailable', summary: 'HOOK is not set.' }), 'cannot be had now: HOOK is not set;'],
  ])('that is none is told without it: %s', async (secret, words) => {
    const resolveSecret = (): Promise<string> => (typeof secret === 'string' ? Promise.resolve(secret) : Promise.reject(secret));
    const { notifier: made, problems } = notifier({ url: { env: 'HOOK' } }, { resolveSecret });
    made.tell(event(1));
    await made.flush(5000);
    expect(problems[0]!.summary).toContain(words);
    expect(JSON.stringify(problems)).not.toContain('CANARY');
  });

  it('is never told but for its host', async () => {
    const paths = ['/CANARY', '/x?token=CANARY', '/#CANARY'];
    for (const path of paths) {
      await using server = await receiver(statuses([500, 404]), path);
      const { notifier: made, problems } = notifier({ url: { text: server.url.replace('//', '//CANARY:CANARY@') } });
      made.tell(event(1));
      await made.flush(5000);
      expect([problems.length, JSON.stringify(problems).includes('CANARY')]).toEqual([2, false]);
    }
  });
});

describe('A process', () => {
  it('ends though a webhook hangs', async () => {
    await using server = await receiver(() => undefined);
    const module = join(import.meta.dirname, '../../src/notify/index.ts');
    const script = `
      const { openNotifier } = await import(${JSON.stringify(module)});
      const hook = (text) => ({ url: { text }, format: 'json', on: ['*'], minIntervalMs: 0 });
      const made = openNotifier({ hooks: [hook('${server.url}'), hook('http://127.0.0.1:1/')], resolveSecret: async () => '', log() {} });
      made.tell({ at: '', type: 'resumed', stack: '', who: '', message: '' });
      await new Promise((done) => setTimeout(done, 300));`;
    const { status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 60_000 });
    expect([status, signal]).toEqual([0, null]);
  });
});
