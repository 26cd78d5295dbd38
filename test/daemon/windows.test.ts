import { describe, expect, it } from 'vitest';
import { opensIn } from '../../src/daemon/windows.ts';
import { WEEKDAYS, type ChangeWindow } from '../../src/domain/policy.ts';

const HOUR = 3_600_000;
const at = (iso: string): number => Date.parse(iso);
const night = (more: Partial<ChangeWindow> = {}): ChangeWindow => ({ days: WEEKDAYS, from: 22 * 60, to: 2 * 60, timezone: 'UTC', ...more });

describe('A window', () => {
  it.each([
    ['2026-03-02T21:00:00Z', 1],
    ['2026-03-02T22:00:00Z', 0],
    ['2026-03-03T01:59:59Z', 0],
    ['2026-03-03T02:00:00Z', 20],
  ])('that goes on past midnight: at %s it opens in %i h', (iso, hours) => {
    expect(opensIn([night()], at(iso))).toBe(hours * HOUR);
  });

  it('is that of the day on which it opens', () => {
    const monday = night({ days: ['mon'] });
    expect(opensIn([monday], at('2026-03-03T01:00:00Z'))).toBe(0); // a Tuesday
    expect(opensIn([monday], at('2026-03-02T01:00:00Z'))).toBe(21 * HOUR);
    expect(opensIn([monday], at('2026-03-03T02:00:00Z'))).toBe((6 * 24 + 20) * HOUR);
  });

  it('is told in its own time of day', () => {
    expect(opensIn([night({ timezone: 'America/New_York' })], at('2026-03-02T23:00:00Z'))).toBe(4 * HOUR);
  });

  it('opens at the same moment, whenever that is asked', () => {
    const opens = at('2026-03-02T22:00:00Z');
    for (const now of ['21:58:59.900', '21:59:00.000', '21:59:05.001', '21:59:59.999']) {
      const wallMs = at(`2026-03-02T${now}Z`);
      expect(wallMs + opensIn([night()], wallMs)).toBe(opens);
    }
  });

  it.each([
    ['2026-03-28T12:34:56Z', '2026-03-29T20:00:00Z'], // the clock is set forward in the night before it opens
    ['2026-10-24T12:34:56Z', '2026-10-25T21:00:00Z'], // and back
  ])('is told to the hour also where the clock is set before: from %s at %s', (now, opens) => {
    const sunday = night({ days: ['sun'], timezone: 'Europe/Berlin' });
    expect(at(now) + opensIn([sunday], at(now))).toBe(at(opens));
  });

  it('that is open all day never closes', () => {
    for (let hour = 0; hour < 24; hour += 1) expect(opensIn([night({ from: 0, to: 0 })], at('2026-03-02T00:00:00Z') + hour * HOUR)).toBe(0);
  });
});

describe('Windows', () => {
  it('are always open where there is none', () => {
    expect(opensIn([], 0)).toBe(0);
  });

  it('open with the next of them', () => {
    expect(opensIn([night(), night({ from: 12 * 60, to: 13 * 60 })], at('2026-03-02T10:00:00Z'))).toBe(2 * HOUR);
  });

  it.each(['2026-03-29T00:30:00Z', '2026-10-25T00:30:00Z'])('come also on a day on which the clocks are set: %s', (iso) => {
    const window = { days: WEEKDAYS, from: 150, to: 240, timezone: 'Europe/Berlin' };
    let now = at(iso);
    for (let asked = 0; asked < 4 && opensIn([window], now) > 0; asked += 1) now += opensIn([window], now);
    expect(opensIn([window], now)).toBe(0);
    expect(now - at(iso)).toBeLessThan(26 * HOUR);
  });
});
