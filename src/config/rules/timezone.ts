import { spot, text } from '../located.ts';
import { nearest } from '../suggest.ts';
import { quoted } from '../wording.ts';
import type { Visit } from '../walk.ts';
import type { RuleContext } from './index.ts';

/** A window in a time zone that nobody knows would never open, or open at the wrong time. */
export function timezoneRule({ path, located, schema }: Visit, { findings }: RuleContext): void {
  const zone = schema['x-timezone'] === true ? text(located) : undefined;
  if (zone === undefined || isZone(zone)) return;
  const guess = nearest(zone, Intl.supportedValuesOf('timeZone'));
  findings.add({
    code: 'unknown-value',
    summary: `\`${path.join('.')}\` is ${quoted(zone)}, which is no time zone`,
    expected: 'a name of the IANA database, such as Europe/Berlin or UTC',
    ...(guess !== null && { fix: `Did you mean \`${guess}\`?` }),
    at: spot(located),
  });
}

function isZone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
  } catch {
    return false;
  }
}
