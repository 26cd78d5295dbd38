import type { Change, Cost } from '../../domain/plan.ts';
import { bytes, counted, duration, sameUnit } from '../format/units.ts';
import type { Entry } from '../text/page.ts';
import { span } from '../text/lines.ts';
import { fact } from './fact.ts';

type Priced = Extract<Change, { readonly cost: Cost }>;

/** What a change costs, in words; lines without an answer are left out, never shown as zero. */
export function costEntries(change: Priced, width: number): readonly Entry[] {
  const { cost } = change;
  const rows: Entry[] = [];
  if (cost.downloadBytes > 0) rows.push(fact('download', downloadWords(change), width));
  if (cost.ready) rows.push(fact('weights', `prefetched, ready in about ${duration(cost.ready.ms)} (${cost.ready.from})`, width));
  const memory = memoryWords(change);
  if (change.action === 'delete') rows.push(fact(change.model, memory ?? 'its process ends, its files stay', width, span('-', 'remove')));
  else if (memory !== null) rows.push(fact('memory', memory, width));
  if (change.action !== 'create' || cost.downtime !== 'none') rows.push(fact('downtime', downtimeWords(change), width));
  if ('waits' in change && change.waits !== undefined) rows.push(fact('waits', change.waits, width));
  if (cost.moves) rows.push(fact('address', 'moves to a new port (options.port keeps one)', width));
  return rows;
}

function downloadWords({ action, cost: { downloadBytes, resumedBytes = 0 } }: Priced): string {
  const resumed = resumedBytes > 0 ? `, ${bytes(resumedBytes)} are here already` : '';
  return `${bytes(downloadBytes)} to fetch first${resumed}${action === 'update' ? '; the old copy serves meanwhile' : ''}`;
}

function memoryWords({ action, cost }: Priced): string | null {
  const { before, after, peak, pool } = cost.memory;
  if (action === 'delete')
    return before === null || before === 0 ? null : `frees about ${bytes(before)}${pool === null ? '' : ` of ${poolName(pool)}`}`;
  if (after === null) return null;
  if (pool === null)
    return before === null
      ? `about ${bytes(after)}`
      : `about ${bytes(before)} → ${bytes(after)}${peak === null ? '' : `, peak ${bytes(peak)}`}`;
  const { texts, unit } = sameUnit([after, before ?? 0, peak ?? 0]);
  const [to, from, most] = texts;
  const whole = `${before === null || before === 0 ? to : `${from} → ${to}`} ${unit} of ${bytes(pool.totalBytes)} ${poolName(pool)}`;
  return peak !== null && peak > Math.max(after, before ?? 0) ? `${whole}, peak ${most} ${unit} while both run` : whole;
}

function poolName(pool: NonNullable<Cost['memory']['pool']>): string {
  const kind = pool.kind.toUpperCase();
  return pool.name === '' || pool.name.toLowerCase() === pool.kind ? kind : `${kind} ${pool.name}`;
}

const DOWNTIME: Readonly<Record<Cost['downtime'], string>> = {
  none: '0 s',
  'one-start': 'until stopped and started',
  'until-recreated': 'until it is created again',
  ends: 'ends for good',
};

/** How long clients do without, and which requests are waited for. */
export function downtimeWords({ action, cost }: Priced): string {
  if (action === 'create') return cost.downtime === 'none' ? 'none' : DOWNTIME[cost.downtime];
  // The gap begins when clients are sent away, so what is waited for before the stop is part of it.
  if (cost.downtime === 'one-start' && cost.activeRequests !== 0 && cost.drainMs > 0) {
    const requests = cost.activeRequests === null ? '' : `${counted(cost.activeRequests, 'request')}, `;
    return `until drained (${requests}≤ ${duration(cost.drainMs)}), stopped and started`;
  }
  return cost.downtime === 'none' && cost.activeRequests === null && cost.drainMs === 0
    ? DOWNTIME.none
    : `${DOWNTIME[cost.downtime]}${drainWords(cost)}`;
}

function drainWords({ activeRequests, drainMs }: Cost): string {
  if (activeRequests === 0) return ', no request in flight';
  const limit = drainMs > 0 ? `limit ${duration(drainMs)}` : 'limit 0 s: cut at once';
  if (activeRequests === null) return drainMs > 0 ? `, drains requests first (${limit})` : ', requests in flight are cut';
  return `, drains ${counted(activeRequests, 'request')} (${limit})`;
}
