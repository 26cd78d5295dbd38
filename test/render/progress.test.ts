import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/domain/event.ts';
import type { Progress } from '../../src/render/index.ts';
import { foldProgress, NO_PROGRESS, progressLines } from '../../src/render/index.ts';
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
