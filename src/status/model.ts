import type { ModelSpec } from '../domain/desired.ts';
import type { Fields, Scalar } from '../domain/fields.ts';
import type { AppliedModel, Endpoint, ObservedBackend, ObservedInstance } from '../domain/observed.ts';
import type { Change, Drift } from '../domain/plan.ts';
import type { Condition, ModelState, ModelStatus, SettingStatus } from '../domain/status.ts';

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
  /** Ours alone. */
  readonly instances: readonly ObservedInstance[];
  readonly observed: ObservedBackend | null;
  readonly endpoint: Endpoint | null;
}

/** The picture of one model. */
export function modelStatus(facts: ModelFacts): ModelStatus {
  const main = mainInstance(facts);
  const verdict = judge(facts, main);
  return {
    name: facts.name,
    backend: facts.backend,
    state: verdict.state,
    phase: main?.phase ?? (facts.observed?.status === 'reachable' ? 'absent' : 'unknown'),
    instance: main?.id ?? null,
    copies: facts.instances.filter((one) => one !== main).map((one) => one.id),
    endpoint: main?.endpoint ?? null,
    published: main !== null && facts.endpoint?.instance === main.id,
    settings: settingsOf(facts, main),
    why: verdict.why,
    fix: verdict.fix,
    startedAt: main?.startedAt ?? null,
    memoryBytes: main?.memoryBytes ?? null,
    activeRequests: main?.activeRequests ?? null,
    generation: facts.applied?.generation ?? null,
    conditions: conditionsOf(facts, main, verdict),
  };
}

const LIVELINESS: Readonly<Record<ObservedInstance['phase'], number>> = { serving: 0, starting: 1, unknown: 2, failed: 3 };

/** Where clients are sent; else the liveliest copy, the first by id among equals. */
function mainInstance({ instances, endpoint }: ModelFacts): ObservedInstance | null {
  const published = instances.find((one) => one.id === endpoint?.instance);
  return published ?? instances.toSorted((a, b) => LIVELINESS[a.phase] - LIVELINESS[b.phase] || (a.id < b.id ? -1 : 1))[0] ?? null;
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
  if (main === null) return { state: 'absent', why: change?.cause ?? 'no instance of it runs', fix: 'llmops apply' };
  if (main.phase === 'failed' || main.phase === 'unknown') return ofProblem(main);
  if (main.phase === 'starting') return { state: 'starting', why: 'it is loading its weights', fix: null };
  if (facts.readable && facts.spec === null)
    return { state: 'removed', why: change?.cause ?? 'it is not declared any more', fix: 'llmops apply' };
  const [first] = drift;
  if (first) return { state: 'drifted', why: first.detail, fix: first.policy === 'correct' ? 'llmops apply' : null };
  if (change && change.action !== 'keep') return { state: 'outdated', why: change.cause, fix: 'llmops apply' };
  return { state: 'ready', why: null, fix: null };
}

function ofProblem(main: ObservedInstance): Verdict {
  const state = main.phase === 'failed' ? 'failed' : 'unknown';
  const silent = state === 'failed' ? 'it ended' : 'it is there and does not answer';
  const log = main.logFile === null ? null : `see ${main.logFile}`;
  return { state, why: main.problem?.summary ?? silent, fix: main.problem?.fix ?? log };
}

function settingsOf(facts: ModelFacts, main: ObservedInstance | null): readonly SettingStatus[] {
  const desired = desiredFields(facts);
  const { configured, loaded } = { configured: main?.configured ?? {}, loaded: main?.loaded ?? {} };
  const fields = [...new Set([...Object.keys(desired), ...Object.keys(configured), ...Object.keys(loaded)])].sort();
  return fields.map((field) => ({
    field,
    ...member('desired', desired[field]),
    ...member('configured', configured[field]),
    ...member('loaded', loaded[field]),
  }));
}

function member<K extends string>(name: K, scalar: Scalar | undefined): { readonly [P in K]?: Scalar } {
  return (scalar === undefined ? {} : { [name]: scalar }) as { readonly [P in K]?: Scalar };
}

/**
 * What the file asks for. The plan tells what changes; what it keeps is what was applied; and the portable settings
 * stand in the file itself.
 */
function desiredFields({ spec, applied, change }: ModelFacts): Fields {
  if (spec === null) return {};
  const kept = change?.action === 'keep' || change?.action === 'update' ? (applied?.fields ?? {}) : {};
  const changed = change && 'fields' in change ? Object.fromEntries(change.fields.map((field) => [field.field, field.to])) : {};
  return {
    ...kept,
    source: spec.source.written,
    context: spec.context,
    parallel: spec.parallel,
    kvCache: spec.kvCache,
    ...digestOf(spec),
    ...changed,
  };
}

function digestOf({ sha256 }: ModelSpec): Fields {
  return sha256 === null ? {} : { digest: sha256 };
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
