import type { Generation, StepResult } from '../../domain/generation.ts';
import type { Change, Drift } from '../../domain/plan.ts';
import { duration } from '../format/units.ts';
import { downtimeWords } from '../plan/cost.ts';
import type { Entry } from '../text/page.ts';
import { BLANK, entry } from '../text/page.ts';
import { line, span } from '../text/lines.ts';

type Counted = Extract<Change, { action: 'create' | 'update' }>;
/** A time of day as the reader's clock shows it. */
type Clock = (at: string) => string;

/** What clients had to do without, as far as that is known, beside what the plan had promised; one row for each model that they had before. */
export function downtimeEntries(one: Generation, clock: Clock): readonly Entry[] {
  const rows = one.changes.flatMap((change) => {
    if (change.action !== 'update' && (change.action !== 'create' || !change.correctsDrift)) return [];
    const known = knownWords(one, change.model, clock);
    return known === null ? [] : [rowOf(change, known)];
  });
  return rows.length === 0 ? [] : [BLANK, ...rows];
}

function rowOf(change: Counted, known: string): Entry {
  return entry(line('  ', span(`downtime of ${change.model}`, 'strong'), `: ${known}; promised: ${downtimeWords(change)}`), 4);
}

/** null: it cost no downtime to speak of, as nothing was begun. */
function knownWords(one: Generation, model: string, clock: Clock): string | null {
  const begun = one.steps.filter((step) => step.model === model && step.startedAt !== null);
  const withdrawn = begun.find((step) => step.op === 'withdraw' && step.status === 'done');
  const over = endOf(begun);
  const away = one.drift.find((drift) => drift.model === model && (drift.reason === 'crashed' || drift.reason === 'gone'));
  if (away !== undefined) return begun.length === 0 ? null : awayWords(away, over, one.startedAt, clock);
  if (withdrawn === undefined) return over === null ? null : 'measured 0 s (clients were sent on before the old one ended)';
  if (over === null) return 'not over when this run ended (withdrawn, nothing published)';
  const gap = over.ms - Date.parse(withdrawn.startedAt ?? '');
  return Number.isNaN(gap) ? null : `measured ${duration(gap)} (withdraw → ${over.by})`;
}

/** It had ended before anybody looked: since when, nobody saw. The plan saw it away, and something of it had told that it lives. */
function awayWords({ lastAliveAt }: Drift, over: End | null, plannedAt: string, clock: Clock): string {
  const sign = lastAliveAt === undefined ? '' : ` (last sign of life ${clock(lastAliveAt)})`;
  if (over === null) return `not over when this run ended; it had ended before it${sign}`;
  const least = duration(Math.max(0, over.ms - Date.parse(plannedAt)));
  const most = lastAliveAt === undefined ? null : duration(Math.max(0, over.ms - Date.parse(lastAliveAt)));
  const words = most === null || most === least ? `at least ${least}` : `between ${least} and ${most}`;
  return `${words}: it had ended before this run${sign}`;
}

/** When clients had a copy again. */
interface End {
  /** Milliseconds since the epoch. */
  readonly ms: number;
  readonly by: string;
}

function endOf(begun: readonly StepResult[]): End | null {
  const published = begun.find((step) => step.op === 'publish' && step.status === 'done');
  const restored = begun.find((step) => step.restored !== undefined);
  const last = published ?? restored;
  if (last === undefined) return null;
  // A step that undoes something ends when that is done.
  const by = published !== undefined ? 'publish' : last.op === 'drain' || last.op === 'stop' ? 'sent back' : 'put back';
  return { ms: Date.parse(last.startedAt ?? '') + last.ms, by };
}
