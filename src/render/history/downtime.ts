import type { Generation } from '../../domain/generation.ts';
import type { Change } from '../../domain/plan.ts';
import { duration } from '../format/units.ts';
import { downtimeWords } from '../plan/cost.ts';
import type { Entry } from '../text/page.ts';
import { BLANK, entry } from '../text/page.ts';
import { line, span } from '../text/lines.ts';

/** What clients had to do without, as measured, beside what the plan had promised; one row for each update that acted. */
export function downtimeEntries(one: Generation): readonly Entry[] {
  const rows = one.changes.flatMap((change) => {
    if (change.action !== 'update') return [];
    const measured = measuredWords(one, change.model);
    return measured === null ? [] : [rowOf(change, measured)];
  });
  return rows.length === 0 ? [] : [BLANK, ...rows];
}

function rowOf(change: Extract<Change, { action: 'update' }>, measured: string): Entry {
  return entry(line('  ', span(`downtime of ${change.model}`, 'strong'), `: ${measured}; promised: ${downtimeWords(change)}`), 4);
}

/** From the withdrawal of the old address to the publishing of the new one. null: neither was begun. */
function measuredWords({ steps }: Generation, model: string): string | null {
  const begun = steps.filter((step) => step.model === model && step.startedAt !== null);
  const withdrawn = begun.find((step) => step.op === 'withdraw' && step.status === 'done');
  const published = begun.find((step) => step.op === 'publish' && step.status === 'done');
  if (withdrawn === undefined) return published === undefined ? null : 'measured 0 s (clients were sent on before the old one ended)';
  if (published === undefined) return 'not over when this run ended (withdrawn, nothing published)';
  const gap = Date.parse(published.startedAt ?? '') + published.ms - Date.parse(withdrawn.startedAt ?? '');
  return Number.isNaN(gap) ? null : `measured ${duration(gap)} (withdraw → publish)`;
}
