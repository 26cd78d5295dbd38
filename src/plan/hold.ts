import type { ModelSpec } from '../domain/desired.ts';
import { PORT_OPTION } from '../domain/fields.ts';
import type { ObservedInstance } from '../domain/observed.ts';
import type { Problem } from '../domain/problem.ts';
import { notAdoptable } from './claims.ts';
import { holdTogether } from './hold-together.ts';
import { blocked, changedIn } from './judge.ts';
import { blockedSuccessor, takenPort, type PortHolder } from './obstacles.ts';
import { copiesByPort, endings, portFor, portHere } from './ports.ts';
import type { Context } from './sight.ts';
import { modelOf, type Blocked, type Removal, type Verdict } from './verdict.ts';
import { placeOf } from './wish.ts';

/**
 * Blocks what cannot be done, or would do harm, because of something that other models leave undone, until nothing is left
 * that rests on it. A blocked model holds back nothing else.
 */
export function holdBack(context: Context, verdicts: readonly Verdict[]): readonly Verdict[] {
  for (let now = verdicts; ;) {
    const next = holdRenames(context, holdTogether(context, holdPorts(context, now)));
    if (next.every((verdict, index) => verdict === now[index])) return now;
    now = next;
  }
}

/** A model cannot start on a port that a copy keeps: one of somebody else, or one that these verdicts do not end. */
function holdPorts(context: Context, verdicts: readonly Verdict[]): readonly Verdict[] {
  if (verdicts.every((verdict) => portFor(verdict) === null)) return verdicts;
  const [holders, ends] = [copiesByPort(context.world), endings(verdicts)];
  const byModel = new Map(verdicts.map((verdict) => [modelOf(verdict), verdict]));
  return verdicts.map((verdict) => {
    const port = portFor(verdict);
    const kept = port === null ? undefined : (holders.get(port) ?? []).find((copy) => !ends.has(copy));
    if (kept === undefined || verdict.kind !== 'run') return verdict;
    const { wish, drift, failedBefore, others, fields } = verdict;
    const problem = takenPort(context.input.desired, wish, holderOf(context, kept, byModel));
    const place = placeOf(context.input.desired, wish.model.name);
    return blocked(
      wish.model,
      place,
      [problem, ...whyNotTakenOver(context, wish.model.name, kept)],
      wish,
      drift,
      failedBefore,
      changedIn(others, fields),
    );
  });
}

/** What holds the port may be the very thing that was to be taken over: why that cannot be is what a person wants to know. */
function whyNotTakenOver({ claims }: Context, model: string, kept: ObservedInstance): readonly Problem[] {
  const claim = claims.get(model);
  return claim === undefined || claim.candidate.copy.process?.pid !== kept.process?.pid
    ? []
    : [{ ...notAdoptable(claim, model), severity: 'error' }];
}

/** Why a copy keeps its port: what a person can do about it depends on that. */
function holderOf({ input }: Context, copy: ObservedInstance, verdicts: ReadonlyMap<string, Verdict>): PortHolder {
  if (copy.owner === 'foreign') return { copy, stays: 'foreign' };
  const verdict = verdicts.get(copy.model ?? '');
  if (verdict === undefined) return { copy, stays: input.targets.length > 0 ? 'not-targeted' : 'kept' };
  return { copy, stays: verdict.kind === 'blocked' ? 'blocked' : 'kept' };
}

/**
 * A deletion beside a new model of the same weights or the same port is a rename, most often. If the new one is blocked, the
 * old one goes on serving, unless a model that is not blocked takes its port: that one is its successor then. Whoever wants
 * it gone all the same says so with --target.
 */
function holdRenames(context: Context, verdicts: readonly Verdict[]): readonly Verdict[] {
  if (context.input.mode !== 'apply') return verdicts;
  const traces = new Map(context.input.desired.models.map((model) => [model.name, tracesOf(context, model)]));
  const stuck = verdicts.filter((verdict) => verdict.kind === 'blocked' && traces.has(verdict.model) && isNew(context, verdict.model));
  if (stuck.length === 0) return verdicts;
  const heirs = new Map(
    stuck.toReversed().flatMap((each) => (traces.get(modelOf(each)) ?? []).map((trace) => [trace, modelOf(each)] as const)),
  );
  const able = new Set(verdicts.filter(({ kind }) => kind === 'run').flatMap((each) => traces.get(modelOf(each)) ?? []));
  return verdicts.map((verdict) => {
    if (verdict.kind !== 'remove' || !isInUse(verdict)) return verdict;
    const left = tracesLeft(verdict);
    const trace = left.find((each) => heirs.has(each));
    if (trace === undefined || left.some((each) => isPort(each) && able.has(each))) return verdict;
    const shared = isPort(trace) ? 'has the same port' : 'has the same weights';
    return keep(verdict, blockedSuccessor(verdict.model, heirs.get(trace) ?? '', shared));
  });
}

/** One of {@link tracesOf}. */
function isPort(trace: string): boolean {
  return trace.startsWith('port ');
}

/** Clients are sent to it. A deletion that was cut off has sent them away already, and is finished. */
function isInUse({ copies, endpoint }: Removal): boolean {
  return endpoint !== null && copies.some(({ phase }) => phase !== 'failed');
}

/** Nothing of it is there or on record. */
function isNew({ input, world }: Context, name: string): boolean {
  return (world.ours.get(name) ?? []).length === 0 && input.inventory.models[name] === undefined;
}

/** What a declared model can have in common with one that goes. */
function tracesOf({ input }: Context, { name, source, options }: ModelSpec): readonly string[] {
  const [digest, port] = [input.artifacts[name]?.sha256, options[PORT_OPTION]];
  return [
    ...(digest === undefined ? [] : [`digest ${digest}`]),
    `source ${source.written}`,
    ...(typeof port === 'number' ? [`port ${port}`] : []),
  ];
}

/** The same of one that goes, from its record and its copies. */
function tracesLeft({ copies, applied }: Removal): readonly string[] {
  const all = [applied?.fields, ...copies.map(({ configured }) => configured)];
  const of = (field: string) => all.flatMap((fields) => (fields?.[field] == null ? [] : [`${field} ${fields[field]}`]));
  return [...of('digest'), ...of('source'), ...copies.map(({ endpoint }) => `port ${portHere(endpoint)}`)];
}

function keep({ model, backend, cause, place, correctsDrift }: Removal, problem: Problem): Blocked {
  return { kind: 'blocked', model, backend, problems: [problem], wish: null, drift: [], failedBefore: null, cause, place, correctsDrift };
}
