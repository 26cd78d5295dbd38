import type { Drift, Foreign, Plan } from '../../domain/plan.ts';
import type { Inert } from '../../domain/desired.ts';
import { counted } from '../format/units.ts';
import { placeText, valuePair } from '../format/values.ts';
import type { Entry } from '../text/page.ts';
import { BLANK, entry } from '../text/page.ts';
import type { Line } from '../text/lines.ts';
import { line, span } from '../text/lines.ts';

const MOST_DRIFT = 50;
const MOST_INERT = 30;

/** What was changed outside llmops, in a section of its own. */
export function driftEntries(plan: Plan): readonly Entry[] {
  const since = plan.baseline === null ? '' : ` since generation ${plan.baseline.generation}`;
  const never = plan.drift.filter(({ reason }) => reason === 'unfulfilled');
  return [
    ...driftSection(
      `Note: changed outside llmops${since}`,
      plan.drift.filter((each) => !never.includes(each)),
    ),
    ...driftSection('Note: asked for, and not to be had here', never),
  ];
}

function driftSection(heading: string, drift: readonly Drift[]): readonly Entry[] {
  return drift.length === 0 ? [] : [entry(line(span(heading, 'note'))), ...driftRows(drift), BLANK];
}

/** One or two rows for each difference. */
export function driftRows(drift: readonly Drift[]): readonly Entry[] {
  return [...drift.slice(0, MOST_DRIFT).flatMap(oneDrift), ...more(drift.length - MOST_DRIFT)];
}

function oneDrift(drift: Drift): readonly Entry[] {
  const head = [span('  ! ', 'change'), span(`model.${drift.model}`, 'strong'), span('  ')];
  const policy = `policy ${drift.policy}`;
  const content = line(...head, ...whatDrifted(drift), `   ${drift.reason}   ${policy}`);
  return drift.detail === '' ? [entry(content, 4)] : [entry(content, 4), entry(line('    ', span(drift.detail, 'quiet')), 4)];
}

function whatDrifted(drift: Drift): Line {
  if (drift.field === null) return line(drift.instance === null ? `on ${drift.backend}` : `copy ${drift.instance}`);
  const [from, to] = valuePair(drift.field, drift.from, drift.to);
  return line(`${drift.field} ${from} → ${to}`);
}

/** What is running and not ours, the first of them by name and address. */
export function foreignEntries(foreign: readonly Foreign[]): readonly Entry[] {
  return [...Map.groupBy(foreign, ({ backend }) => backend)].map(([backend, all]) =>
    entry(
      line(span('Foreign: ', 'note'), `${counted(all.length, 'model')} on ${backend} ${staysWords(all.length)}: ${foreignNames(all)}`),
      9,
    ),
  );
}

const MOST_FOREIGN = 3;

function foreignNames(all: readonly Foreign[]): string {
  const names = all.slice(0, MOST_FOREIGN).map(({ model, id, endpoint }) => `${model ?? id}${endpoint === null ? '' : ` at ${endpoint}`}`);
  const left = all.length - names.length;
  return left > 0 ? `${names.join(', ')} and ${counted(left, 'other')}` : names.join(', ');
}

function staysWords(count: number): string {
  return count === 1 ? 'is not managed by llmops and stays as it is' : 'are not managed by llmops and stay as they are';
}

/** What is declared and not acted on, so that nothing is ignored in silence. */
export function inertEntries(inert: readonly Inert[]): readonly Entry[] {
  if (inert.length === 0) return [];
  const width = Math.min(28, Math.max(...inert.slice(0, MOST_INERT).map((one) => one.path.length)));
  const rows = inert.slice(0, MOST_INERT).map((one): Entry => {
    const content = line(`  ${one.path.padEnd(width)}  `, span(one.reason, 'quiet'));
    return one.place === null
      ? entry(content, 4)
      : { content, hang: width + 4, table: 'inert', tail: { place: line(span(placeText(one.place, 32), 'quiet')), remark: [] } };
  });
  const title = entry(line(span('Declared, valid, and not acted on by this version:', 'note')));
  return [title, ...rows, ...more(inert.length - MOST_INERT), BLANK];
}

/** Where an earlier run was cut off. */
export function interruptedEntries(plan: Plan): readonly Entry[] {
  const first = plan.interrupted[0];
  if (!first) return [];
  const others = plan.interrupted.length > 1 ? ` and ${counted(plan.interrupted.length - 1, 'other step')}` : '';
  const then = plan.steps.length > 0 ? 'this plan finishes it' : 'nothing of it is left to do';
  return [
    entry(
      line(
        span('Note: ', 'note'),
        `an earlier apply was cut off at ${first.step}${others} (${first.at.replace(/\.\d+Z$/, 'Z')}); ${then}.`,
      ),
      6,
    ),
    BLANK,
  ];
}

/** The settings that nobody could check, over all models that stay. */
export function unverifiedEntries(plan: Plan): readonly Entry[] {
  const perField = new Map<string, string[]>();
  for (const change of plan.changes) {
    if (change.action !== 'keep' || change.unmanaged !== undefined) continue;
    for (const field of change.unverified) {
      const models = perField.get(field);
      if (models) models.push(change.model);
      else perField.set(field, [change.model]);
    }
  }
  if (perField.size === 0) return [];
  const parts = [...perField].sort(([a], [b]) => (a < b ? -1 : 1)).map(([field, models]) => `${field} (${someOf(models)})`);
  return [
    entry(
      line(span('Unverified: ', 'note'), `${parts.join(', ')}. What is in force is not told; compared with what was last applied.`),
      12,
    ),
  ];
}

function someOf(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')} and ${counted(names.length - 2, 'other')}`;
}

function more(count: number): readonly Entry[] {
  return count > 0 ? [entry(line(span(`  … and ${count} more (all of them: --json)`, 'quiet')))] : [];
}
