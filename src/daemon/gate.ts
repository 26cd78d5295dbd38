import type { Hash } from '../domain/canonical.ts';
import { isApproved, type Holds } from '../domain/holds.ts';
import type { Change, Plan } from '../domain/plan.ts';
import type { Judging, PolicySpec } from '../domain/policy.ts';
import { errorsIn } from '../domain/problem.ts';
import type { Target } from './target.ts';
import { opensIn } from './windows.ts';

/** A plan that waits, for a time of day or for a person. */
export interface Parked {
  /** Names exactly what waits: an approval is for this and nothing else. 12 hex digits. */
  readonly key: string;
  /** One sentence. */
  readonly why: string;
  /** What it would do, one sentence. */
  readonly summary: string;
  /** Milliseconds since 1970; null: until it is approved. */
  readonly untilMs: number | null;
  /** Its changes, one by one. */
  readonly covers: readonly string[];
}

/** What may pass. */
export interface Passage {
  readonly parked: Parked | null;
  /** Models whose changes wait. */
  readonly held: ReadonlySet<string>;
  /** The changes that a person let through, guards against deleting much included, by model; empty: nobody had to, or did. */
  readonly approved: ReadonlyMap<string, string>;
}

interface Circumstances {
  readonly policy: Judging;
  readonly holds: Holds;
  readonly target: Target;
  readonly wallMs: number;
  readonly hash: Hash;
}

const FREE: Passage = { parked: null, held: new Set(), approved: new Map() };
/** What a person may lift by approving. */
const GUARDS: ReadonlySet<string> = new Set(['mass-delete', 'takeover-delete']);

/**
 * Decides what the file asks for and may be done now. What corrects drift or starts a crashed model anew passes at any time,
 * and so does a way back.
 */
export function passage(plan: Plan, due: readonly string[], { policy, holds, target, wallMs, hash }: Circumstances): Passage {
  if (target.kind !== 'release') return FREE;
  const asked = plan.changes.filter((change) => due.includes(change.model) && isAskedFor(change));
  const besides = policy.besides ?? [];
  if (asked.length + besides.length === 0) return FREE;
  const words = new Map(asked.map(({ model, action, wish }) => [model, `${target.id} ${model} ${action} ${wish?.specHash ?? '-'}`]));
  const covers = [...words.values(), ...besides.map((one) => `${target.id} ${one}`)];
  const key = hash(covers.join('\n')).slice(0, 12);
  const [held, summary] = [new Set(asked.map(({ model }) => model)), summaryOf(asked, besides)];
  const approved = isApproved(holds, covers);
  const errors = errorsIn(plan.problems);
  const isGuarded = errors.length > 0 && errors.every(({ code }) => GUARDS.has(code));
  const needs = isGuarded ? errors[0]?.summary : needsApproval(asked, policy);
  const parked = (why: string, untilMs: number | null): Passage => ({ ...FREE, parked: { key, why, summary, untilMs, covers }, held });
  if (needs && !approved) return parked(`${needs} It waits for: llmops approve ${key}`, null);
  const wait = approved ? 0 : opensIn(policy.windows, wallMs);
  if (wait > 0) return parked('No change window is open.', wallMs + wait);
  return { ...FREE, approved: approved ? words : FREE.approved };
}

function isAskedFor({ action, correctsDrift }: Change): boolean {
  return action !== 'keep' && action !== 'blocked' && !correctsDrift;
}

/** A sentence, or null. */
function needsApproval(asked: readonly Change[], { approve }: PolicySpec): string | null {
  if (approve === 'none') return null;
  if (approve === 'all') return 'Every change is to be approved.';
  const hard = asked.filter(isDestructive).map(({ model }) => model);
  return hard.length === 0 ? null : `It deletes, or takes from clients for a while: ${hard.join(', ')}.`;
}

function isDestructive(change: Change): boolean {
  return change.action === 'delete' || (change.action === 'update' && change.cost.downtime !== 'none');
}

function summaryOf(asked: readonly Change[], besides: readonly string[]): string {
  const by = Map.groupBy(asked, ({ action }) => action);
  const parts = [...by].map(([action, changes]) => `${action} ${changes.map(({ model }) => model).join(', ')}`);
  return `${[...parts, ...(besides.length === 0 ? [] : [`edit ${besides.join(', ')}`])].join('; ')}.`;
}
