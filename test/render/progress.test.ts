import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/domain/event.ts';
import type { Progress } from '../../src/render/index.ts';
import { foldProgress, heartbeatLine, NO_PROGRESS, progressLines } from '../../src/render/index.ts';
import { textWidth } from '../../src/render/text/width.ts';
import { EVENTS } from './worlds.ts';

const after = (events: readonly Event[], from: Progress = NO_PROGRESS) => events.reduce(foldProgress, from);
const LOOKS = { color: false, width: 80, height: 24, now: '2026-03-08T12:00:05.500Z' };

describe('the live picture of a run', () => {
  test('shows what is in flight, for how long, and how far it is', () => {
    expect(progressLines(after(EVENTS.slice(0, 3)), LOOKS)).toEqual([
      '0 of 3 steps done',
      '  ▸ start chat  4 s of 60 s   ██████░░░░░░░░░░░░░░  30 % loading weights',
    ]);
  });

  test('counts a step as ended however it ended', () => {
    expect(after(EVENTS.slice(0, 6))).toEqual({ steps: 3, ended: 3, active: [] });
  });

  test('is empty before the first and after the last event', () => {
    expect(progressLines(NO_PROGRESS, LOOKS)).toEqual([]);
    expect(progressLines(after(EVENTS), LOOKS)).toEqual([]);
  });

  test('never wraps and never outgrows the screen, so that it can be drawn over', () => {
    const start = EVENTS[1] as Event;
    const many = after(
      Array.from({ length: 100 }, (_, index) => ({ ...start, step: `s${index}`, model: `a-rather-long-model-name-${index}` }) as Event),
    );
    const lines = progressLines(many, { ...LOOKS, width: 30, height: 10 });
    expect(lines).toHaveLength(10);
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(30);
    expect(lines.at(-1)).toBe('  … and 92 more in flight');
  });
});

describe('the live picture of files on their way', () => {
  const begin = { ...(EVENTS[1] as Extract<Event, { type: 'step.started' }>), step: 'chat.fetch', op: 'fetch' } as const;
  const MIB = 2 ** 20;
  const moved = (file: string, done: number, total: number | null, bytesPerSecond: number | null): Event => ({
    at: begin.at,
    run: begin.run,
    type: 'step.transfer',
    step: 'chat.fetch',
    model: 'chat',
    file,
    done,
    total,
    bytesPerSecond,
  });

  test('shows bytes, rate and what is left of one file', () => {
    const one = after([begin, moved('a.gguf', 512 * MIB, 2048 * MIB, null), moved('a.gguf', 1024 * MIB, 2048 * MIB, 64 * MIB)]);
    expect(progressLines(one, LOOKS)[1]).toBe('  ▸ fetch chat  █████░░░░░  50 %  1.0 of 2.0 GiB, 64.0 MiB/s, 16 s left');
  });

  test('shows the total of several files, and a bar for each, those that move first', () => {
    const three = after([
      begin,
      moved('a-00001-of-00003.gguf', 100 * MIB, 100 * MIB, 50 * MIB),
      moved('a-00002-of-00003.gguf', 50 * MIB, 100 * MIB, 10 * MIB),
      moved('a-00003-of-00003.gguf', 0, 100 * MIB, null),
    ]);
    expect(progressLines(three, LOOKS).slice(1)).toEqual([
      '  ▸ fetch chat  █████░░░░░  50 %  150 of 300 MiB, 10.0 MiB/s, 15 s left',
      '    a-00002-of-00003.gguf  ███░░░  50 %  50.0 of 100 MiB, 10.0 MiB/s, 5 s left',
      '    a-00003-of-00003.gguf  ░░░░░░   0 %  0.0 of 100 MiB',
      '    a-00001-of-00003.gguf  ██████ 100 %  100 MiB',
    ]);
  });

  test('shows what is waited for below the bytes, until that is over', () => {
    const message = 'hub.example answers 503; trying again in 14 s';
    const waits = (said: string): Event => ({ ...begin, type: 'step.waiting', message: said, done: null, total: null }) as Event;
    const one = after([begin, moved('a.gguf', 0, 2048 * MIB, null), waits(message)]);
    expect(progressLines(one, LOOKS).at(-1)).toBe(`    ${message}`);
    expect(heartbeatLine(one, { color: false, now: LOOKS.now })).toMatch(/: a\.gguf, 0\.0 of 2\.0 GiB; hub\.example answers 503; trying/);
    const over = after([waits('')], one);
    expect(progressLines(over, LOOKS)).toHaveLength(2);
    expect(heartbeatLine(over, { color: false, now: LOOKS.now })).not.toContain('trying');
  });

  test('claims no end where the size is not known, or nothing comes', () => {
    expect(progressLines(after([begin, moved('a', 5 * MIB, null, 1 * MIB)]), LOOKS)[1]).toContain('  5.0 MiB, 1.0 MiB/s');
    expect(progressLines(after([begin, moved('a', 5 * MIB, 10 * MIB, 0)]), LOOKS)[1]).toMatch(/5\.0 of 10\.0 MiB, stalled$/);
  });

  test('stays within the screen, however many files there are', () => {
    const many = after([begin, ...Array.from({ length: 50 }, (_, index) => moved(`part-${index}`, index, 100, 1))]);
    expect(progressLines(many, { ...LOOKS, height: 12 })).toHaveLength(11);
    expect(Math.max(...progressLines(many, { ...LOOKS, width: 30 }).map(textWidth))).toBeLessThanOrEqual(30);
  });

  test('is one line of words for whoever reads a log', () => {
    const one = after([begin, moved('a.gguf', 1024 * MIB, 2048 * MIB, 64 * MIB)]);
    expect(heartbeatLine(one, { color: false, now: LOOKS.now })).toBe(
      '· 0 of 0 steps done; fetch chat, 4 s: a.gguf, 1.0 of 2.0 GiB, 64.0 MiB/s, 16 s left',
    );
  });
});
