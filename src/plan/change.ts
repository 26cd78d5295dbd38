import { PORT_FIELD, worst } from '../domain/fields.ts';
import type { Endpoint, ObservedInstance } from '../domain/observed.ts';
import type { Change, Cost, Summary, Unmanaged } from '../domain/plan.ts';
import { memoryOfRemoval, type Arrangement } from './arrange.ts';
import { leaving } from './leaving.ts';
import type { Context } from './sight.ts';
import type { Staging } from './staging.ts';
import type { Course, Removal, Verdict } from './verdict.ts';
import { wishedOf, type Wish } from './wish.ts';

/** How it is done. */
export interface Way {
  readonly arrangement: Arrangement | null;
  readonly staging: Staging | null;
  /** Of a blocked model: where clients are sent to nobody of ours, and will not be any more; null: they are not. */
  readonly lost: Endpoint | null;
  /** False: there is nothing to do. */
  readonly acts: boolean;
}

/** A verdict as a person reviews it. */
export function changeOf(context: Context, verdict: Verdict, way: Way): Change {
  const { cause, place, correctsDrift } = verdict;
  if (verdict.kind === 'run') return changeOfCourse(verdict, way);
  const { model, backend } = verdict;
  const wish = verdict.kind === 'blocked' && verdict.wish !== null ? wishedOf(verdict.wish) : null;
  const head = { model, backend, wish, cause, place, correctsDrift };
  if (verdict.kind === 'blocked') {
    const [problem, ...others] = verdict.problems;
    return {
      ...head,
      ...failureOf(verdict),
      action: 'blocked',
      problem,
      ...(others.length === 0 ? {} : { others }),
      ...withdrawsFrom(way),
    };
  }
  if (verdict.kind === 'spared') return { ...head, action: 'keep', unchanged: 0, unverified: [] };
  return { ...head, action: 'delete', cost: costOfRemoval(context, verdict) };
}

function withdrawsFrom({ lost }: Way): { readonly withdraws?: string } {
  return lost === null ? {} : { withdraws: lost.url };
}

function changeOfCourse(course: Course, way: Way): Change {
  const { arrangement, acts } = way;
  const { wish, need, fields, unchanged, unverified, cause, place, correctsDrift } = course;
  const name = { model: wish.model.name, backend: wish.spec.backend, wish: wishedOf(wish) };
  const head = { ...name, cause, place, correctsDrift, ...failureOf(course) };
  const from = course.claim === null ? null : unmanaged(course.claim.candidate.copy);
  if (!acts) return { ...head, action: 'keep', unchanged, unverified, ...(from === null ? {} : { unmanaged: from }) };
  const cost = costOfCourse(course, way);
  if (from !== null) return { ...head, action: 'adopt', from, unchanged, unverified, cost };
  const waits = arrangement === null || arrangement.waits === null ? {} : { waits: arrangement.waits };
  const isNew = course.others.length === 0 && (course.target === null || (course.applied === null && need !== 'nothing'));
  if (isNew) return { ...head, action: 'create', fields, cost, ...waits };
  // An earlier run started the new copy beside the old one, and was cut off before clients were sent to it.
  const resumes = arrangement === null && course.publish && course.others.some((copy) => copy.phase === 'serving');
  const replacement = resumes ? 'surge' : (arrangement?.replacement ?? null);
  return {
    ...head,
    action: 'update',
    price: worst([...fields.map((field) => field.price), arrangement === null ? 'live' : 'restart']),
    replacement,
    replacementReason: resumes ? 'the new copy is already there' : (arrangement?.reason ?? null),
    fields,
    unchanged,
    unverified,
    cost: replacement !== null && hasOwnPort(wish) ? { ...cost, moves: true } : cost,
    ...waits,
  };
}

function unmanaged({ id, endpoint, process }: ObservedInstance): Unmanaged {
  return { instance: id, endpoint, pid: process?.pid ?? null };
}

/** Each copy listens for itself, on a port that was found when it started. */
function hasOwnPort({ traits, spec }: Wish): boolean {
  return PORT_FIELD in traits.prices && typeof spec.fields[PORT_FIELD] !== 'number';
}

function failureOf({ failedBefore }: Pick<Course, 'failedBefore'>): Pick<Change, 'failedBefore'> {
  if (failedBefore === null) return {};
  const { generation, at, code, summary } = failedBefore;
  return { failedBefore: { generation, at, code, summary } };
}

function costOfCourse(course: Course, { arrangement, staging }: Way): Cost {
  const { wish, target, others } = course;
  const replaced = leaving(course).map(({ copy }) => copy);
  const outage = others.every((copy) => copy.phase !== 'serving') && target?.phase !== 'serving';
  const starts = arrangement !== null;
  return {
    weightsBytes: wish.artifact.bytes,
    downloadBytes: (staging?.downloadBytes ?? 0) - (staging?.partialBytes ?? 0),
    ...(staging !== null && staging.partialBytes > 0 ? { resumedBytes: staging.partialBytes } : {}),
    ...(starts && wish.artifact.remote !== undefined && staging?.after.length === 0 ? { ready: readyIn(course) } : {}),
    memory: arrangement?.memory ?? { before: null, after: null, peak: null, pool: null },
    downtime: !starts || arrangement.replacement === 'surge' ? 'none' : outage ? outageOf(course) : 'one-start',
    drainMs: replaced.some((copy) => copy.phase === 'serving') ? wish.model.rollout.drainMs : 0,
    activeRequests: sumRequests(replaced),
  };
}

/** A disk of 1 GB/s, and a second for the rest. */
const ESTIMATED_BYTES_PER_MS = 1_000_000;
const ESTIMATED_MS = 1000;

/** Its last start tells most: as much longer as there are more bytes to load. */
function readyIn({ wish, applied }: Course): NonNullable<Cost['ready']> {
  const { bytes } = wish.artifact;
  const before = applied?.spec?.weights.bytes ?? 0;
  if (applied?.startMs !== undefined && before > 0) return { ms: Math.round((applied.startMs * bytes) / before), from: 'measured' };
  return { ms: Math.round(ESTIMATED_MS + bytes / ESTIMATED_BYTES_PER_MS), from: 'estimated' };
}

/** A model that was never there is missed by nobody; one that was applied is away until it is back. */
function outageOf({ applied }: Course): Cost['downtime'] {
  return applied === null ? 'none' : 'until-recreated';
}

function costOfRemoval(context: Context, removal: Removal): Cost {
  const { copies, drainMs } = removal;
  return {
    weightsBytes: 0,
    downloadBytes: 0,
    memory: memoryOfRemoval(context, removal),
    downtime: 'ends',
    drainMs: copies.some((copy) => copy.phase === 'serving') ? drainMs : 0,
    activeRequests: sumRequests(copies),
  };
}

/** Requests that will be cut or waited for. A copy that has failed works on none. */
function sumRequests(copies: readonly ObservedInstance[]): number | null {
  return copies.reduce<number | null>((sum, { activeRequests, phase }) => {
    const working = phase === 'failed' ? 0 : activeRequests;
    return sum === null || working === null ? null : sum + working;
  }, 0);
}

/** Counts for the last line of a plan. A model that becomes another one is replaced; any other change of it is an update. */
export function summarize(changes: readonly Change[]): Summary {
  const { adopt, ...rest } = counts(changes);
  return adopt === 0 ? rest : { adopt, ...rest };
}

function counts(changes: readonly Change[]): Required<Summary> {
  const summary = { adopt: 0, create: 0, update: 0, replace: 0, delete: 0, keep: 0, blocked: 0, correctsDrift: 0 };
  for (const change of changes) {
    const kind = change.action === 'update' && change.price === 'replace' ? 'replace' : change.action;
    summary[kind] += 1;
    if (change.correctsDrift && change.action !== 'keep' && change.action !== 'blocked') summary.correctsDrift += 1;
  }
  return summary;
}
