import type { Plan, Step } from '../../domain/plan.ts';
import { duration } from '../format/units.ts';
import type { Entry } from '../text/page.ts';
import { entry } from '../text/page.ts';
import type { Line } from '../text/lines.ts';
import { line, span, whole } from '../text/lines.ts';
import { LABEL, labelled } from './header.ts';

const MOST_CHAINS = 6;
const MOST_STEPS = 16;

/**
 * The order of work and what it waits for, one row per chain of steps that wait for each other; chains run side by side. A prime marks the
 * new copy of a model whose old one still runs.
 */
export function orderEntries(plan: Plan): readonly Entry[] {
  const surging = new Set(
    plan.changes.filter((change) => change.action === 'update' && change.replacement === 'surge').map((change) => change.model),
  );
  const chains = chainsOf(plan.steps);
  const rows = chains.slice(0, MOST_CHAINS).map((chain, index) => {
    const text = chainText(chain, surging);
    return index === 0 ? labelled('Order', ...text) : entry(line(' '.repeat(LABEL), ...text), LABEL);
  });
  const left = chains.length - MOST_CHAINS;
  return left > 0 ? [...rows, entry(line(' '.repeat(LABEL), span(`… and ${left} more like these, side by side`, 'quiet')))] : rows;
}

function chainText(chain: readonly Step[], surging: ReadonlySet<string>): Line {
  let previous: string | null = null;
  const words = chain.slice(0, MOST_STEPS).map((step) => {
    const prime = step.op === 'start' && surging.has(step.model) ? '′' : '';
    const word = step.model === previous && prime === '' ? step.op : `${step.op} ${step.model}${prime}`;
    previous = step.model;
    return `${word}${waitWords(step)}`;
  });
  const left = chain.length - MOST_STEPS;
  const all = left > 0 ? [...words, `… ${left} more`] : words;
  return line(...all.flatMap((word, index) => (index === 0 ? [whole(word)] : [' ▸ ', whole(word)])));
}

/** What a step waits for, and for how long at most; nothing for one that only acts. */
function waitWords(step: Step): string {
  const { op, deadlineMs } = step;
  if (op === 'probe') return ` (answers, ≤ ${duration(deadlineMs)})`;
  return op === 'drain' ? ` (${step.open === true ? 'what it has' : 'idle'}, ≤ ${duration(deadlineMs)})` : '';
}

/** Connected parts of the step graph, each in the plan's order, in the order of their first steps (union-find). */
function chainsOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const parent = new Map(steps.map((step) => [step.id, step.id]));
  const root = (id: string): string => {
    let at = id;
    for (let up = parent.get(at); up !== undefined && up !== at; up = parent.get(at)) {
      parent.set(at, parent.get(up) ?? up);
      at = up;
    }
    return at;
  };
  for (const step of steps) for (const before of step.after) if (parent.has(before)) parent.set(root(step.id), root(before));
  const chains = new Map<string, Step[]>();
  for (const step of steps) {
    const key = root(step.id);
    const chain = chains.get(key);
    if (chain) chain.push(step);
    else chains.set(key, [step]);
  }
  return [...chains.values()];
}
