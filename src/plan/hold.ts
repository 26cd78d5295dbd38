import { PORT_OPTION } from '../domain/fields.ts';
import type { ObservedInstance } from '../domain/observed.ts';
import type { Problem } from '../domain/problem.ts';
import { blocked } from './judge.ts';
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
    const next = holdRenames(context, holdPorts(context, now));
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
    const { wish, drift, failedBefore } = verdict;
    const problem = takenPort(context.input.desired, wish, holderOf(context, kept, byModel));
    return blocked(wish.model, placeOf(context.input.desired, wish.model.name), [problem], wish, drift, failedBefore);
  });
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
 * old one goes on serving, unless another model that runs or will run has as much in common with it. Whoever wants it gone
 * all the same says so with --target.
 */
function holdRenames(context: Context, verdicts: readonly Verdict[]): readonly Verdict[] {
  const stuck = verdicts.filter((verdict) => verdict.kind === 'blocked' && isArriving(context, verdict.model)).map(modelOf);
  if (context.input.mode !== 'apply' || stuck.length === 0) return verdicts;
  const running = verdicts.filter(({ kind }) => kind === 'run').map(modelOf);
  return verdicts.map((verdict) => {
    if (verdict.kind !== 'remove' || !isInUse(verdict)) return verdict;
    const heir = stuck.find((name) => sharedWith(context, verdict, name) !== null);
    if (heir === undefined || running.some((name) => sharedWith(context, verdict, name) !== null)) return verdict;
    return keep(verdict, blockedSuccessor(verdict.model, heir, sharedWith(context, verdict, heir) ?? ''));
  });
}

/** Clients are sent to it. A deletion that was cut off has sent them away already, and is finished. */
function isInUse({ copies, endpoint }: Removal): boolean {
  return endpoint !== null && copies.some(({ phase }) => phase !== 'failed');
}

/** Declared, and nothing of it is there or on record. */
function isArriving({ input, world }: Context, name: string): boolean {
  const declared = input.desired.models.some((model) => model.name === name);
  return declared && (world.ours.get(name) ?? []).length === 0 && input.inventory.models[name] === undefined;
}

/** What a new model has in common with one that goes, in words that follow its name; null: nothing. */
function sharedWith({ input }: Context, { copies, applied }: Removal, name: string): string | null {
  const model = input.desired.models.find((each) => each.name === name);
  if (model === undefined) return null;
  const digest = input.artifacts[name]?.sha256;
  const of = (field: string) => [applied?.fields[field], ...copies.map(({ configured }) => configured[field])];
  if (of('source').includes(model.source.written) || (digest !== undefined && of('digest').includes(digest))) return 'has the same weights';
  const port = model.options[PORT_OPTION];
  return typeof port === 'number' && copies.some(({ endpoint }) => portHere(endpoint) === port) ? 'has the same port' : null;
}

function keep({ model, backend, cause, place, correctsDrift }: Removal, problem: Problem): Blocked {
  return { kind: 'blocked', model, backend, problems: [problem], wish: null, drift: [], failedBefore: null, cause, place, correctsDrift };
}
