import { describe, expect, it } from 'vitest';
import { bodyOf } from '../../src/notify/body.ts';
import { createDedup, sameness } from '../../src/notify/dedup.ts';
import { DAEMON_EVENT_TYPES, isMeant, type DaemonEvent } from '../../src/domain/daemon-event.ts';
import { event, notifier, receiver } from './receiver.ts';

interface Slack {
  readonly text: string;
  readonly blocks: readonly { readonly text?: { readonly text: string } }[];
}

const slack = (one: unknown, omitted = { same: 0, lost: 0 }): Slack => JSON.parse(bodyOf('slack', JSON.stringify(one), omitted)) as Slack;

describe('What Slack reads', () => {
  it('is sent as such', async () => {
    await using server = await receiver();
    const { notifier: made } = notifier({ url: { text: server.url }, format: 'slack' });
    made.tell(event(1, 'chat ended & <begins> again.'));
    await made.flush(5000);
    expect(server.received[0]!.body).toEqual({
      text: 'home: chat ended &amp; &lt;begins&gt; again.',
      blocks: [
        { type: 'section', text: { type: 'mrkdwn', text: 'home: chat ended &amp; &lt;begins&gt; again.', verbatim: true } },
        { type: 'context', elements: [{ type: 'mrkdwn', text: 'model.crashed · 2026-01-01T00:00:00.000Z', verbatim: true }] },
      ],
    });
  });

  it('names the first problems, and what was left out', () => {
    const problems = Array.from({ length: 7 }, (_, index) => ({ summary: `no ${index}`, place: { file: 'llmops.yaml', line: index } }));
    const { blocks } = slack({ ...event(1), problems }, { same: 3, lost: 1 });
    expect(blocks[0]!.text!.text.split('\n')).toEqual([
      'home: event 1',
      ...[0, 1, 2, 3, 4].map((index) => `• llmops.yaml:${index}: no ${index}`),
      '• 2 more',
      '3 more like it since the last one.',
      '1 earlier event could not be sent here.',
    ]);
  });

  it('is cut, and never within an escape or a character', () => {
    for (const long of ['&'.repeat(4000), '😀'.repeat(4000), `x${'😀'.repeat(4000)}`]) {
      const { text } = slack(event(1, long));
      expect(text.length).toBeLessThanOrEqual(3000);
      expect(text.length).toBeGreaterThan(2990);
      expect(text.replace(/^home: x?/, '')).toMatch(/^(&amp;)+…$|^(😀)+…$/u);
    }
  });
});

describe('Which events a webhook hears of', () => {
  it('is told by types, globs and one word', () => {
    const one = event(1);
    expect(['*', 'model.*', 'model.crashed'].map((pattern) => isMeant(one, [pattern]))).toEqual([true, true, true]);
    expect(['model', 'mode.*', 'trouble', 'run.*'].map((pattern) => isMeant(one, [pattern]))).toEqual([false, false, false, false]);
  });

  it('is trouble where a model ends again and again, and not for the first time', () => {
    const crashed = (times: number): boolean => isMeant({ ...event(1), times } as DaemonEvent, ['trouble']);
    expect([1, 2, 3, 4].map(crashed)).toEqual([false, false, true, true]);
  });

  it('is in doubt of no type', () => {
    const bare = DAEMON_EVENT_TYPES.map((type) => ({ type, at: '', stack: '', message: '', problems: [] }) as unknown as DaemonEvent);
    expect(bare.filter((one) => !isMeant(one, [one.type]))).toEqual([]);
    expect(bare.map((one) => sameness(one)).filter((key) => key !== null && !key.startsWith('["'))).toEqual([]);
  });
});

describe('The memory of what was sent', () => {
  it('is bounded', () => {
    const dedup = createDedup(1000);
    for (let i = 0; i < 501; i += 1) dedup.admit(event(i), 0);
    expect([dedup.admit(event(500), 1), dedup.admit(event(0), 1)]).toEqual([null, 0]);
  });

  it('forgets what never arrived', () => {
    const dedup = createDedup(1000);
    dedup.admit(event(1), 0);
    dedup.forget(event(1));
    expect(dedup.admit(event(1), 1)).toBe(0);
  });
});
