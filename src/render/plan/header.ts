import type { Plan } from '../../domain/plan.ts';
import { age, counted } from '../format/units.ts';
import type { Entry } from '../text/page.ts';
import { BLANK, entry } from '../text/page.ts';
import type { Span } from '../text/lines.ts';
import { line, span, whole } from '../text/lines.ts';

/** Column at which the text after a leading label starts. */
export const LABEL = 10;

/** An entry with a label in front: `Order     start chat ▸ probe`. */
export function labelled(label: string, ...parts: readonly (string | Span)[]): Entry {
  return entry(line(span(label, 'strong'), ' '.repeat(Math.max(1, LABEL - label.length)), ...parts), LABEL);
}

const SHOWN_BACKENDS = 8;

/** What was asked for, what was seen, and what the plan starts from. */
export function headerEntries(plan: Plan, now: string | null): readonly Entry[] {
  const backends = plan.backends.map(({ spec, status, engine }) => ({ name: spec.name, status, engine }));
  return [desired(plan), observedEntry('Observed', backends), baseline(plan, now), BLANK];
}

function desired(plan: Plan): Entry {
  const parts = [plan.stack, plan.file];
  if (plan.environment !== null) parts.push(`env ${plan.environment}`);
  parts.push(`revision ${plan.revision.slice(0, 7)}`);
  if (plan.mode !== 'apply') parts.push(`mode ${plan.mode}`);
  if (plan.targets.length > 0) parts.push(`only ${plan.targets.join(', ')}`);
  return labelled('Desired', parts.join('   '));
}

/** A backend as far as one row tells of it. */
export interface SeenBackend {
  readonly name: string;
  readonly status: 'reachable' | 'unreachable';
  readonly engine: string | null;
}

/** The backends on one row: which answer, with which engine. */
export function observedEntry(label: string, backends: readonly SeenBackend[]): Entry {
  if (backends.length === 0) return labelled(label, 'no backends');
  const total = counted(backends.length, 'backend');
  const reachable = backends.filter((backend) => backend.status === 'reachable').length;
  // The silent ones first: they are what a reader must not miss among hundreds.
  const ordered = backends.toSorted((a, b) => Number(a.status === 'reachable') - Number(b.status === 'reachable'));
  const shown = ordered.slice(0, SHOWN_BACKENDS).flatMap((backend, index) => [...(index > 0 ? ['   '] : []), ...backendParts(backend)]);
  const more = ordered.length > SHOWN_BACKENDS ? [`   and ${ordered.length - SHOWN_BACKENDS} more`] : [];
  const able = backends.filter((backend) => backend.status === 'reachable' && backend.engine !== null).length;
  // One that answers and has no engine would count as well: it can stop models and start none.
  const words = able === reachable ? `${reachable} of ${total} reachable` : `${able} of ${total} can start models`;
  const count = whole(words, 'quiet');
  return labelled(label, ...shown, ...more, '   ', count);
}

function backendParts(backend: SeenBackend): readonly (string | Span)[] {
  const name = backend.name;
  if (backend.status === 'unreachable') return [whole(`${name} `), whole('✗ unreachable', 'remove')];
  if (backend.engine === null) return [whole(`${name} `), whole('! no engine', 'change')];
  return [whole(`${name} (${backend.engine}) `), span('✓', 'add')];
}

function baseline(plan: Plan, now: string | null): Entry {
  if (plan.baseline === null) return labelled('Baseline', 'none: nothing was applied from here yet');
  const { generation, at, endedBy } = plan.baseline;
  const ago = age(at, now);
  const when = ago === null ? `at ${at}` : `${ago} ago`;
  if (endedBy !== undefined) return labelled('Baseline', `nothing now: ${endedWords(endedBy, generation, when)}`);
  return labelled('Baseline', `generation ${generation}, applied ${when}`);
}

/** "`llmops destroy` ended it 2 m ago (generation 4)". */
export function endedWords(by: 'down' | 'destroy', generation: number, when: string): string {
  return `\`llmops ${by}\` ended it${when === '' ? '' : ` ${when}`} (generation ${generation})`;
}
