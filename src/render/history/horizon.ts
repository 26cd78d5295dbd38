import { bytes } from '../format/units.ts';
import type { Looks } from '../text/page.ts';
import { BLANK, entry, printPage } from '../text/page.ts';
import { line, span } from '../text/lines.ts';

/** A generation that one can go back to. */
export interface Reach {
  readonly number: number;
  /** What would have to be fetched for it. */
  readonly missingBytes: number;
}

/** How far one can go back, newest first. Empty text: there is nowhere to go back to. */
export function renderHorizon(reaches: readonly Reach[], looks: Looks): string {
  const [, ...earlier] = reaches; // the first is what is in force
  if (earlier.length === 0) return '';
  const here = earlier.filter(({ missingBytes }) => missingBytes === 0);
  const away = earlier.filter(({ missingBytes }) => missingBytes > 0);
  const words = [
    ...(here.length === 0 ? [] : [`${numbers(here)} ${here.length === 1 ? 'needs' : 'need'} no network`]),
    ...away.slice(0, 3).map(({ number, missingBytes }) => `${number} needs ${bytes(missingBytes)}`),
    ...(away.length > 3 ? [`and ${away.length - 3} more need weights`] : []),
  ];
  return printPage([BLANK, entry(line(span('Way back', 'strong'), `  ${words.join(', ')}: llmops rollback N`), 10)], looks);
}

function numbers(reaches: readonly Reach[]): string {
  const all = reaches.map(({ number }) => number);
  return all.length <= 5 ? all.join(', ') : `${all.slice(0, 4).join(', ')} and ${all.length - 4} more`;
}
