import { WEEKDAYS, type ChangeWindow, type Weekday } from '../domain/policy.ts';

const DAY = 24 * 60;
const MINUTE_MS = 60_000;

interface Local {
  /** As in {@link WEEKDAYS}. */
  readonly day: number;
  /** Since midnight. */
  readonly minute: number;
}

/** Whether a window is open; if none is, in how many milliseconds the next one opens: to the moment, so that every look says the same. */
export function opensIn(windows: readonly ChangeWindow[], wallMs: number): number {
  if (windows.length === 0) return 0;
  return Math.min(...windows.map((window) => opening(window, wallMs))) - wallMs;
}

/** When it opens, in milliseconds since 1970; now, if it is open. */
function opening(window: ChangeWindow, wallMs: number): number {
  const minutes = untilOpen(window, localAt(wallMs, window.timezone));
  if (minutes === 0) return wallMs;
  const at = wallMs - (wallMs % MINUTE_MS) + minutes * MINUTE_MS; // zones differ by whole minutes
  // The clock may be set until then. A time of day that it skips does not come: then it opens that much later.
  const off = localAt(at, window.timezone).minute - window.from;
  const shift = off > DAY / 2 ? off - DAY : off < -DAY / 2 ? off + DAY : off;
  const exact = at - shift * MINUTE_MS;
  return localAt(exact, window.timezone).minute === window.from ? exact : at;
}

/** In minutes, for a clock that nobody sets; 0: it is open. */
function untilOpen({ days, from, to }: ChangeWindow, { day, minute }: Local): number {
  const length = to > from ? to - from : to + DAY - from;
  const waits = [-1, 0, 1, 2, 3, 4, 5, 6, 7].flatMap((ahead) => {
    if (!days.includes(WEEKDAYS[(day + ahead + 7) % 7] as Weekday)) return [];
    const start = ahead * DAY + from - minute;
    return start + length <= 0 ? [] : [Math.max(0, start)];
  });
  return Math.min(...waits);
}

function localAt(wallMs: number, timezone: string | null): Local {
  const parts = formatter(timezone).formatToParts(wallMs);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return {
    day: WEEKDAYS.indexOf(part('weekday').slice(0, 3).toLowerCase() as Weekday),
    minute: Number(part('hour')) * 60 + Number(part('minute')),
  };
}

function formatter(timezone: string | null): Intl.DateTimeFormat {
  const zone = timezone === null ? {} : { timeZone: timezone };
  return new Intl.DateTimeFormat('en-US', { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...zone });
}
