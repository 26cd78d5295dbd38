import { expect, it } from 'vitest';
import { renderDaemonLine } from './daemon-event.ts';

const at = '2026-01-01T00:00:00Z';

it.each([
  ['\u001b[2Jgone', '\\x1b[2Jgone'],
  ['\u009b2Jgone', '\\x9b2Jgone'],
  ['two\nlines', 'two lines'],
  ['right\u202eto left', 'right\\u{202e}to left'],
  ['größer', 'größer'],
])('A line of the daemon gives a terminal nothing to obey: %j', (why, shown) => {
  const event = { at, stack: 'desk', type: 'suspended', who: 'alice', why, message: `It is left as it is: ${why}.` } as const;
  expect(renderDaemonLine(event, (time) => time)).toBe(`${at}  It is left as it is: ${shown}.\n`);
});
