import { describe, expect, it } from 'vitest';
import type { DaemonEvent } from '../../src/domain/daemon-event.ts';
import { renderDaemonLine } from '../../src/render/daemon-event.ts';

const clock = (at: string): string => `${at.slice(0, 10)} ${Number(at.slice(11, 13)) + 1}${at.slice(13, 19)}`;
const event: DaemonEvent = {
  type: 'suspended',
  at: '2026-03-08T12:00:00.000Z',
  stack: 'desk',
  who: 'alice@lab',
  why: null,
  message: 'chat is left as it is, until 2026-03-08T14:00:00.000Z, by alice@lab. To end that: llmops resume chat',
};

describe('A line of the daemon', () => {
  it('has every time as the clock of its reader has it, also within its words', () => {
    expect(renderDaemonLine(event, clock)).toBe(
      '2026-03-08 13:00:00  chat is left as it is, until 2026-03-08 15:00:00, by alice@lab. To end that: llmops resume chat\n',
    );
  });

  it('is broken at spaces on a terminal, and goes on below its words', () => {
    expect(renderDaemonLine(event, clock, 60)).toBe(
      [
        '2026-03-08 13:00:00  chat is left as it is, until 2026-03-08',
        '                     15:00:00, by alice@lab. To end that:',
        '                     llmops resume chat\n',
      ].join('\n'),
    );
  });
});
