import { isPublished } from '../domain/copies.ts';
import type { ModelSpec } from '../domain/desired.ts';
import type { Scalar } from '../domain/fields.ts';
import type { AppliedModel, Endpoint, ObservedBackend, ObservedInstance } from '../domain/observed.ts';
import type { Change, Drift } from '../domain/plan.ts';
import type { Condition, ModelState, ModelStatus, SettingStatus } from '../domain/status.ts';

/** What makes it as it is declared, where nobody keeps the stack. */
export const APPLY = 'llmops apply';

/** What is known of one model, from every side. */
export interface ModelFacts {
  readonly name: string;
  readonly backend: string;
  /** False: there is no file that could declare it. */
  readonly readable: boolean;
  /** Declared, and not acted on by this version. */
  readonly inert: boolean;
  readonly spec: ModelSpec | null;
  readonly applied: AppliedModel | null;
  readonly change: Change | null;
  readonly drift: readonly Drift[];
  /** Ours alone, the one that counts most first; or the one of somebody else's that stands for it. */
  readonly instances: readonly ObservedInstance[];
  readonly observed: ObservedBackend | null;
  readonly endpoint: Endpoint | null;
}

/** The picture of one model. */
export function modelStatus(facts: ModelFacts): ModelStatus {
  const main = facts.instances[0] ?? null;
  const verdict = judge(facts, main);
  return {
    name: facts.name,
    backend: facts.backend,
    state: verdict.state,
    phase: main?.phase ?? (facts.observed?.status === 'reachable' ? 'absent' : 'unknown'),
    instance: main?.id ?? null,
    copies: facts.instances.filter((one) => one !== main).map((one) => one.id),
    endpoint: main?.endpoint ?? null,
    published: main !== null && isPublished(main, facts.endpoint),
    settings: settingsOf(facts, main),
    why: verdict.why,
    fix: verdict.fix,
    startedAt: main?.startedAt ?? null,
    ...(main?.lastAliveAt === undefined ? {} : { lastAliveAt: main.lastAliveAt }),
    memoryBytes: main?.memoryBytes ?? null,
    activeRequests: main?.activeRequests ?? null,
    generation: facts.applied?.generation ?? null,
    conditions: conditionsOf(facts, main, verdict),
  };
}

/** True if clients are served as declared, even if our own books are not settled yet. */
export function isReady({ state, published }: ModelStatus): boolean {
  return state === 'ready' || state === 'unmanaged' || (state === 'unsettled' && published);
}

/** True if clients get answers, whatever the model's state. */
export function isServing({ phase, published, state }: ModelStatus): boolean {
  return phase === 'serving' && (published || state === 'unmanaged');
}

interface Verdict {
  readonly state: ModelState;
  readonly why: string | null;
  readonly fix: string | null;
}

function judge(facts: ModelFacts, main: ObservedInstance | null): Verdict {
  const { change, drift, observed } = facts;
  if (observed === null) return { state: 'unknown', why: `the backend "${facts.backend}" was not looked at`, fix: null };
  if (observed.status === 'unreachable') return { state: 'unknown', why: observed.problem.summary, fix: observed.problem.fix ?? null };
  if (change?.action === 'blocked') return { state: 'blocked', why: change.problem.summary, fix: change.problem.fix ?? null };
  if (facts.inert)
    return { state: 'blocked', why: 'it is declared in a way that this version does not act on, and left alone', fix: 'llmops plan' };
  if (main === null) return { state: 'absent', why: change?.cause ?? 'no instance of it runs', fix: APPLY };
  if (main.phase === 'failed' || main.phase === 'unknown') return ofProblem(main);
  if (main.phase === 'starting')
    return { state: 'starting', why: main.problem?.summary ?? 'it is loading its weights', fix: main.problem?.fix ?? null };
  if (change?.action === 'keep' && change.unmanaged !== undefined)
    return { state: 'unmanaged', why: 'it runs as declared, and somebody else started it', fix: 'llmops apply --adopt' };
  if (facts.readable && facts.spec === null) return { state: 'removed', why: change?.cause ?? 'it is not declared any more', fix: APPLY };
  const [first] = drift;
  if (first) return { state: 'drifted', why: first.detail, fix: first.policy === 'correct' ? APPLY : null };
  if (change !== null && isUpkeep(change)) return { state: 'unsettled', why: change.cause, fix: APPLY };
  if (change && change.action !== 'keep') return { state: 'outdated', why: change.cause, fix: APPLY };
  return { state: 'ready', why: null, fix: null };
}

/** Nothing starts and no setting changes: clients are sent elsewhere, a copy is left over, or only our own record moves. */
function isUpkeep(change: Change): boolean {
  return change.action === 'update' && change.replacement === null && change.fields.length === 0;
}

function ofProblem(main: ObservedInstance): Verdict {
  const state = main.phase === 'failed' ? 'failed' : 'unknown';
  const silent = state === 'failed' ? 'it ended' : 'it is there and does not answer';
  const log = main.logFile === null ? null : `see ${main.logFile}`;
  return { state, why: main.problem?.summary ?? silent, fix: main.problem?.fix ?? log };
}

function settingsOf(facts: ModelFacts, main: ObservedInstance | null): readonly SettingStatus[] {
  const wish = facts.change?.wish ?? null;
  const { configured, loaded } = { configured: main?.configured ?? {}, loaded: main?.loaded ?? {} };
  const fields = [...new Set([...Object.keys(wish?.fields ?? {}), ...Object.keys(configured), ...Object.keys(loaded)])].sort();
  return fields.map((field) => ({
    field,
    // What the wish leaves out is left to the engine.
    ...member('desired', wish === null ? undefined : (wish.fields[field] ?? null)),
    ...member('configured', configured[field]),
    ...member('loaded', loaded[field]),
  }));
}

function member<K extends string>(name: K, scalar: Scalar | undefined): { readonly [P in K]?: Scalar } {
  return (scalar === undefined ? {} : { [name]: scalar }) as { readonly [P in K]?: Scalar };
}

function conditionsOf({ drift, change }: ModelFacts, main: ObservedInstance | null, verdict: Verdict): readonly Condition[] {
  const serving = main?.phase === 'serving';
  const unknown = verdict.state === 'unknown';
  const [first] = drift;
  const blocked = change?.action === 'blocked' ? change.problem : null;
  return [
    {
      type: 'Ready',
      status: serving ? 'True' : unknown ? 'Unknown' : 'False',
      reason: serving ? 'Serving' : pascal(verdict.state),
      message: serving ? 'it answers' : (verdict.why ?? ''),
    },
    {
      type: 'Drifted',
      status: first ? 'True' : unknown ? 'Unknown' : 'False',
      reason: first ? pascal(first.reason) : 'AsApplied',
      message: first?.detail ?? '',
    },
    {
      type: 'Blocked',
      status: blocked ? 'True' : 'False',
      reason: blocked ? pascal(blocked.code) : 'Free',
      message: blocked?.summary ?? '',
    },
  ];
}

function pascal(words: string): string {
  return words.replace(/(?:^|-)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
