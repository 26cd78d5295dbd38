import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DaemonEvent } from '../../src/domain/daemon-event.ts';
import { available, event, finished, notifier, receiver, unavailable } from './receiver.ts';

const messages = (received: readonly { readonly body: Readonly<Record<string, unknown>> }[]): unknown[] =>
  received.map(({ body }) => body['message']);

describe('A webhook that works', () => {
  it('gets the event itself, with an id', async () => {
    await using server = await receiver();
    const { notifier: made, problems } = notifier({ url: { text: server.url } });
    made.tell(event(1));
    await made.flush(5000);
    expect(server.received.map(({ body }) => body)).toEqual([event(1)]);
    const { headers } = server.received[0]!;
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'llmops/1.2.3' });
    expect(headers['idempotency-key']).toBe(headers['x-llmops-event-id']);
    expect(problems).toEqual([]);
  });

  it('gets only what it asked for', async () => {
    await using server = await receiver();
    const { notifier: made } = notifier({ url: { text: server.url }, on: ['trouble', 'model.*'] });
    for (const one of [event(1), unavailable(), finished('succeeded'), finished('failed')]) made.tell(one);
    await made.flush(5000);
    expect(messages(server.received)).toEqual(['event 1', 'origin cannot be reached.', 'Generation 1: failed.']);
  });

  it('gets any list of events in its order, each at most once, and the first of those that say the same', async () => {
    await using server = await receiver();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 6 }), { maxLength: 30 }), async (numbers) => {
        server.received.length = 0;
        const { notifier: made } = notifier({ url: { text: server.url } });
        numbers.forEach((number, index) => made.tell(event(number, `${index}`)));
        await made.flush(5000);
        const firsts = numbers.flatMap((number, index) => (numbers.indexOf(number) === index ? [`${index}`] : []));
        expect(messages(server.received)).toEqual(firsts);
        expect(new Set(server.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(firsts.length);
      }),
      { numRuns: 30 },
    );
  });

  it('is told how many were left out since', async () => {
    await using server = await receiver();
    const { notifier: made, clock } = notifier({ url: { text: server.url } });
    for (let i = 0; i < 3; i += 1) made.tell(event(1));
    clock.pass(300_000);
    made.tell(event(1));
    await made.flush(5000);
    expect(server.received.map(({ body }) => body['omitted'])).toEqual([undefined, { same: 2, lost: 0 }]);
  });

  it('hears all of them with an interval of nothing', async () => {
    await using server = await receiver();
    const { notifier: made } = notifier({ url: { text: server.url }, minIntervalMs: 0 });
    for (let i = 0; i < 3; i += 1) made.tell(event(1));
    await made.flush(5000);
    expect(server.received.length).toBe(3);
  });

  it('hears again of what began anew after its end', async () => {
    await using server = await receiver();
    const { notifier: made } = notifier({ url: { text: server.url } });
    for (const one of [unavailable(), unavailable(), available(), unavailable()]) made.tell(one);
    for (const one of [finished('failed'), finished('failed', 2), finished('succeeded', 3), finished('failed', 4)]) made.tell(one);
    await made.flush(5000);
    expect(messages(server.received)).toEqual([
      'origin cannot be reached.',
      'origin can be reached again.',
      'origin cannot be reached.',
      'Generation 1: failed.',
      'Generation 3: succeeded.',
      'Generation 4: failed.',
    ]);
  });

  it('gets an event without its details if they are too many', async () => {
    await using server = await receiver();
    const { notifier: made } = notifier({ url: { text: server.url } });
    const problems = Array.from({ length: 2000 }, (_, index) => ({
      severity: 'error' as const,
      code: 'x',
      summary: `${index}`.repeat(20),
    }));
    const long: DaemonEvent = { at: 'now', stack: 'home', type: 'plan.refused', revision: 'r', problems, message: 'No.' };
    made.tell(long);
    await made.flush(5000);
    expect(server.received.map(({ body }) => body)).toEqual([
      { at: 'now', stack: 'home', type: 'plan.refused', message: 'No.', truncated: true },
    ]);
  });
});

describe('A notifier', () => {
  it('asks for the address behind a reference once', async () => {
    await using server = await receiver();
    const asked: unknown[] = [];
    const resolveSecret = (reference: unknown): Promise<string> => Promise.resolve((asked.push(reference), server.url));
    const { notifier: made } = notifier({ url: { env: 'HOOK' } }, { resolveSecret });
    made.tell(event(1));
    made.tell(event(2));
    await made.flush(5000);
    expect([asked, messages(server.received)]).toEqual([[{ env: 'HOOK' }], ['event 1', 'event 2']]);
  });

  it('is silent once it is closed, and flushes at once', async () => {
    await using server = await receiver(() => undefined);
    const { notifier: made } = notifier({ url: { text: server.url } });
    made.tell(event(1));
    await expect.poll(() => server.received.length).toBe(1);
    made.close();
    made.tell(event(2));
    await made.flush(60_000);
    expect(server.received.length).toBe(1);
  });

  it('does not throw at an event that is none', async () => {
    const { notifier: made } = notifier({ url: { text: 'http://127.0.0.1:1/' } });
    made.tell({ ...event(1), message: 1n as unknown as string });
    await made.flush(5000);
  });
});
