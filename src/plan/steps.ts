import type { InstanceSpec } from '../domain/desired.ts';
import { PORT_FIELD } from '../domain/fields.ts';
import type { Fact, Predecessor, Step, StepAct } from '../domain/plan.ts';
import type { Endpoint, ObservedInstance } from '../domain/observed.ts';
import type { Arrangement } from './arrange.ts';
import { leaving, stepId, type Leaving } from './leaving.ts';
import { isTakenOver, portHere, type Ports } from './ports.ts';
import type { Staging } from './staging.ts';
import type { Blocked, Course, Removal } from './verdict.ts';

const START_MS = 30_000;
const STOP_MS = 30_000;
/** Our own writes. */
const WRITE_MS = 10_000;
/** Loading weights: ten minutes, and more for files that a slow disk reads at 50 MB/s. */
const PROBE_MS = 600_000;
const SLOW_DISK_BYTES_PER_MS = 50_000;

type Draft = StepAct & { readonly name: string; readonly cause: string; readonly deadlineMs: number } & Partial<
    Pick<Step, 'after' | 'instance' | 'backend' | 'relies' | 'leaves'>
  >;

/** What was arranged for a model beside others. */
interface How {
  /** null: nothing of it starts. */
  readonly arrangement: Arrangement | null;
  readonly staging: Staging | null;
  readonly ports: Ports;
}

/**
 * The way of one model, as steps. New before old: start, probe, publish, then drain and stop the old. Old before new:
 * withdraw, drain, stop, then start, probe, publish; where the new one will listen at the address of the old one, clients need not be sent
 * away before it ends: drain, withdraw, stop. The record comes last, so the inventory only ever says what was
 * carried through, and whatever an interrupted run left can be told from what others did.
 */
export function stepsOfCourse(course: Course, { arrangement, staging, ports }: How): Step[] {
  const { wish, need, endpoint } = course;
  const starts = need === 'start' || need === 'restart';
  const oldFirst = starts && arrangement?.replacement !== 'surge';
  const chain = new Chain(wish.model.name, wish.spec.backend, wish.spec.id, staging ?? undefined);
  if (course.claim !== null) return course.adopts ? adopt(chain, course, course.claim.candidate.copy) : [];
  const copies = leaving(course);
  const isTwin = ({ copy }: Leaving): boolean => copy.id === wish.spec.id;
  const { drainMs } = wish.model.rollout;
  chain.tail = [...chain.tail, ...(arrangement?.before ?? [])];
  const leaves = oldFirst && endpoint !== null && course.withdraw ? endpoint.instance : null;
  const late = leaves !== null && keepsAddress(course) && copies.some(({ copy }) => copy.id === leaves) ? leaves : null;
  if (leaves !== null && late === null) withdraw(chain, leaves, course.cause);
  // A second process of the wished name ends before clients are sent to that name: nobody could tell which one they reach.
  const [first, later] = oldFirst ? [copies, []] : [copies.filter(isTwin), copies.filter((each) => !isTwin(each))];
  endCopies(chain, first, {
    drainMs,
    cause: oldFirst ? 'it makes room for its successor' : 'it is a second process of one name',
    relies: [],
    kept: oldFirst ? null : wish.spec.id,
    late: late === null ? null : { instance: late, cause: course.cause },
  });
  const undo = (oldFirst || resumesSwap(course)) && !isTakenOver(ports, course) ? restoreOf(course) : {};
  if (starts) start(chain, course, arrangement?.after ?? [], undo);
  if (course.probe) probe(chain, course, undo);
  if (course.publish) publish(chain, course);
  endCopies(chain, later, { drainMs, cause: `${wish.spec.id} takes its place`, relies: [serving(course)], kept: wish.spec.id, late: null });
  if (course.record) {
    chain.add({
      op: 'record',
      name: 'record',
      applied: wish.applied,
      cause: `${wish.model.name} is as declared`,
      deadlineMs: WRITE_MS,
      relies: [serving(course)],
    });
  }
  return chain.steps;
}

/**
 * It is not asked to prove itself: it runs, and it was read. Only that it carries our name now is relied on, since a model that its
 * engine loads when it is asked for need not be in memory.
 */
function adopt(chain: Chain, course: Course, copy: ObservedInstance): Step[] {
  const { wish, cause } = course;
  const { spec } = wish;
  const ours: Fact = { instance: spec.id, backend: spec.backend, is: 'same', specHash: spec.specHash };
  chain.add({
    op: 'adopt',
    name: 'adopt',
    spec,
    copy: copy.id,
    process: copy.process,
    cause,
    deadlineMs: START_MS,
    relies: [{ ...ours, is: 'absent-or-same' }],
    leaves: [ours],
  });
  chain.add({ op: 'publish', name: 'publish', cause: `clients are sent to ${spec.id}`, deadlineMs: WRITE_MS, relies: [ours] });
  endCopies(chain, leaving(course), { drainMs: 0, cause: `${spec.id} takes its place`, relies: [ours], kept: spec.id, late: null });
  const applied = wish.applied;
  chain.add({ op: 'record', name: 'record', applied, cause: `${wish.model.name} is as declared`, deadlineMs: WRITE_MS, relies: [ours] });
  return chain.steps;
}

/** Takes a model of ours down and forgets it. */
export function stepsOfRemoval(removal: Removal): Step[] {
  const { model, backend, copies, endpoint, applied, cause } = removal;
  const chain = new Chain(model, backend, copies[0]?.id ?? endpoint?.instance ?? `${model}-${applied?.specHash ?? 'none'}`);
  if (endpoint !== null) withdraw(chain, endpoint.instance, cause);
  endCopies(chain, leaving(removal), { drainMs: removal.drainMs, cause, relies: [], kept: null, late: null });
  if (applied !== null) chain.add({ op: 'record', name: 'record', applied: null, cause, deadlineMs: WRITE_MS });
  return chain.steps;
}

/** Nothing can be done for a model but this: no client is sent to an address where no copy of it is any more. */
export function stepsOfLost({ model, backend }: Blocked, { instance }: Endpoint): Step[] {
  const chain = new Chain(model, backend, instance);
  withdraw(chain, instance, 'the copy there has ended, and none can be started');
  return chain.steps;
}

/** Collects the steps of one model; each waits for the one before it unless told otherwise. */
class Chain {
  readonly steps: Step[];
  readonly #model: string;
  readonly #backend: string;
  readonly #instance: string;
  /** The steps that the next one waits for. */
  tail: readonly string[];

  /** What serves goes on serving while weights are fetched: nothing of the chain begins before they are there. */
  constructor(model: string, backend: string, instance: string, staging?: Pick<Staging, 'steps' | 'after'>) {
    this.steps = [...(staging?.steps ?? [])];
    this.tail = staging?.after ?? [];
    this.#model = model;
    this.#backend = backend;
    this.#instance = instance;
  }

  add({ name, ...draft }: Draft): void {
    const id = stepId(this.#model, name);
    const defaults = { after: this.tail, model: this.#model, backend: this.#backend, instance: this.#instance, relies: [], leaves: [] };
    this.steps.push({ ...defaults, ...draft, id } as Step);
    this.tail = [id];
  }
}

/** A run was cut off after it had ended the old copy: what it started is still loading, and nothing else serves. */
function resumesSwap({ need, others, endpoint, wish }: Course): boolean {
  return need === 'await' && others.length === 0 && endpoint?.instance !== wish.spec.id;
}

interface Undo {
  readonly restore?: Predecessor;
}

function probeMs({ weights }: InstanceSpec): number {
  return PROBE_MS + Math.ceil(weights.bytes / SLOW_DISK_BYTES_PER_MS);
}

/**
 * What was last applied is put back if its successor fails. Taken from the record, not from the old copy, because a run that
 * was cut off between stop and start must still know it.
 */
function restoreOf({ applied, wish }: Course): Undo {
  const spec = applied?.specHash === wish.spec.specHash ? undefined : applied?.spec;
  return spec === undefined ? {} : { restore: { spec, deadlineMs: probeMs(spec) } };
}

function start(chain: Chain, course: Course, waits: readonly string[], undo: Undo): void {
  const { spec } = course.wish;
  const { id: instance, backend, specHash } = spec;
  chain.add({
    op: 'start',
    name: 'start',
    spec,
    ...undo,
    cause: course.cause,
    deadlineMs: START_MS,
    after: [...chain.tail, ...waits],
    relies: [{ instance, backend, is: 'absent-or-same', specHash }],
    leaves: [{ instance, backend, is: 'same', specHash }],
  });
}

function probe(chain: Chain, course: Course, undo: Undo): void {
  const { spec } = course.wish;
  const { id: instance, backend, specHash } = spec;
  chain.add({
    op: 'probe',
    name: 'probe',
    spec,
    onFailure: isNew(course) || undo.restore !== undefined ? 'stop' : 'leave',
    ...toleratedBy(course),
    ...undo,
    cause: 'clients are sent to it only after it has answered with the settings it should have',
    deadlineMs: probeMs(spec),
    relies: [{ instance, backend, is: 'same', specHash }],
    leaves: [serving(course)],
  });
}

/** What moved in a copy that is not made anew and is to be left: whoever lets it be does not want its next start to fail for it. */
function toleratedBy({ need, target, drift }: Course): { readonly tolerates?: readonly string[] } {
  if (need === 'start' || need === 'restart') return {};
  const tolerates = drift.flatMap(({ instance, field, policy }) =>
    instance === target?.id && field !== null && policy !== 'correct' ? [field] : [],
  );
  return tolerates.length === 0 ? {} : { tolerates };
}

/**
 * A copy that we start, or that a cut-off run started, is taken away again if it does not come up. One that clients may be
 * using is left: it is theirs until another one serves.
 */
function isNew({ need, endpoint, wish }: Course): boolean {
  return need === 'start' || need === 'restart' || (endpoint !== null && endpoint.instance !== wish.spec.id);
}

function publish(chain: Chain, course: Course): void {
  const to = course.endpoint === null || course.endpoint.instance === course.wish.spec.id ? '' : ` instead of ${course.endpoint.instance}`;
  chain.add({
    op: 'publish',
    name: 'publish',
    cause: `clients are sent to ${course.wish.spec.id}${to}`,
    deadlineMs: WRITE_MS,
    relies: [serving(course)],
  });
}

function withdraw(chain: Chain, instance: string, cause: string): void {
  chain.add({ op: 'withdraw', name: 'withdraw', instance, cause, deadlineMs: WRITE_MS });
}

interface Ending {
  readonly drainMs: number;
  readonly cause: string;
  /** What each step relies on, besides the copy itself. */
  readonly relies: readonly Fact[];
  /** A copy of this name goes on running: other processes of the name may end, the name does not become free. */
  readonly kept: string | null;
  /** Clients are sent to this copy until it is about to end, and are sent away for this cause; null: they are sent elsewhere already. */
  readonly late: { readonly instance: string; readonly cause: string } | null;
}

/** True if the new copy will listen where clients are sent now: looking that address up leads nobody astray. */
function keepsAddress({ endpoint, wish }: Course): boolean {
  const port = wish.spec.fields[PORT_FIELD];
  return typeof port === 'number' && portHere(endpoint?.url ?? null) === port;
}

function endCopies(chain: Chain, copies: readonly Leaving[], how: Ending): void {
  const { drainMs, cause, relies, kept, late } = how;
  for (const [index, { copy, suffix }] of copies.entries()) {
    // Two processes can carry one name; it is free only when the last of them is gone.
    const last = copies.slice(index + 1).every((later) => later.copy.id !== copy.id);
    const there: Fact = { instance: copy.id, backend: copy.backend, is: 'same-or-absent', specHash: copy.specHash };
    const base = { instance: copy.id, backend: copy.backend, relies: [...relies, there] };
    const open = copy.id === late?.instance;
    if (copy.phase === 'serving') {
      chain.add({
        ...base,
        op: 'drain',
        name: `drain${suffix}`,
        cause: `requests that it has taken are finished first${open ? '; clients are sent to it until it ends' : ''}`,
        deadlineMs: drainMs,
        ...(open ? { open } : {}),
      });
    }
    const isFirst = copies.findIndex((each) => each.copy.id === copy.id) === index;
    if (open && isFirst) withdraw(chain, copy.id, late.cause);
    chain.add({
      ...base,
      op: 'stop',
      name: `stop${suffix}`,
      ...identity(copy),
      cause,
      deadlineMs: STOP_MS,
      leaves: last && copy.id !== kept ? [{ ...there, is: 'absent' }] : [],
    });
  }
}

function identity(copy: ObservedInstance): { specHash: string | null; process: { pid: number; started: string } | null } {
  return { specHash: copy.specHash, process: copy.process };
}

function serving(course: Course): Fact {
  const { id: instance, backend, specHash } = course.wish.spec;
  return { instance, backend, is: 'serving', specHash };
}
