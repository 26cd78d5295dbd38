import type { CheckProblem } from '../domain/backend.ts';
import type { Desired, ModelSpec } from '../domain/desired.ts';
import { engineLabel } from '../domain/copies.ts';
import { USUAL_DRAIN_MS, type FailedTry, type ObservedInstance } from '../domain/observed.ts';
import type { Drift, FieldChange } from '../domain/plan.ts';
import { errorsIn, type Place, type Problem } from '../domain/problem.ts';
import { causeOf, causeOfBlocked, intended } from './causes.ts';
import { isComing, isExact, notAdoptable, type Claim } from './claims.ts';
import { changeOfSpec, liveChanges, policyOf, type SpecChange } from './compare.ts';
import { driftOf } from './drift.ts';
import { isInSight } from './lost.ts';
import { absentEngine, failedBefore, leftBehind, missingArtifact, unknownCopy, unknownType, unseenBackend } from './obstacles.ts';
import { missingSecret, secretsOf, secretWarnings } from './secrets.ts';
import { lookAt, type Context, type Sight } from './sight.ts';
import type { Blocked, Course, Need, Obstacles } from './verdict.ts';
import { makeWish, placeOf, priceOf, type Wish } from './wish.ts';
import { at } from './words.ts';

/** What a check says of a name that is somebody else's on a server where several models share one address. */
const NAME_TAKEN = 'name-taken';
/** What it says of two models that one runner cannot serve. */
const WEIGHTS_SHARED = 'weights-shared';

/** What is to be done about one declared model. */
export function judge(context: Context, model: ModelSpec): Blocked | Course {
  const { input, world } = context;
  const place = placeOf(input.desired, model.name);
  const seen = world.backends.get(model.backend);
  const backend = world.specs.get(model.backend);
  const traits = backend === undefined ? undefined : input.traits[backend.type];
  if (backend !== undefined && traits === undefined) return blocked(model, place, [unknownType(model, backend.type, place)]);
  const artifact = input.artifacts[model.name];
  const secrets = secretsOf(context, model.name);
  const wish =
    artifact === undefined || backend === undefined || traits === undefined
      ? null
      : makeWish(input.desired, model, artifact, backend, traits, input.hash, secrets.numbered);
  const unseen = unseenBackend(model.name, model.backend, seen, place);
  const obstacles = [...(unseen === null ? [] : [unseen]), ...errorsIn(context.found.get(model.name) ?? [])];
  if (artifact === undefined && obstacles.length === 0) obstacles.push(missingArtifact(input.desired, model));
  if (isSome(obstacles)) return blocked(model, place, obstacles, wish);
  if (artifact === undefined || seen === undefined || wish === null) throw new Error('unreachable: checked above');
  const checks = wish.traits.check(model, artifact, wish.backend, seen).map((problem) => placed(input.desired, model, problem));
  return plot(context, lookAt(context, wish, secrets), checks);
}

/** With the place at which the setting stands that it is about. */
function placed(desired: Desired, { name }: ModelSpec, { field, ...problem }: CheckProblem): Problem {
  const place = field === undefined ? null : placeOf(desired, name, field);
  return place === null ? problem : { place, ...problem };
}

/** A declared model about which nothing is done. */
export function blocked(
  { name, backend }: ModelSpec,
  place: Place | null,
  problems: Obstacles,
  wish: Wish | null = null,
  drift: readonly Drift[] = [],
  failed: FailedTry | null = null,
  changed: readonly FieldChange[] = [],
): Blocked {
  const cause = causeOfBlocked(changed, place);
  return { kind: 'blocked', model: name, backend, problems, wish, drift, failedBefore: failed, ...cause };
}

function plot(context: Context, sight: Sight, checks: readonly Problem[]): Course | Blocked {
  const { wish, target, others, hidden, applied, endpoint, published } = sight;
  const { model } = wish;
  if (sight.claim !== null && isServed(context, sight.claim)) return claimed(context, sight, sight.claim, checks);
  const drift = driftOf(sight);
  const need = needOf(sight, drift);
  const starts = need === 'start' || need === 'restart';
  const publishes = starts || !published;
  const failed = starts ? lastFailure(context, sight) : null;
  const obstacles = [
    ...besides(context, sight),
    ...obstaclesTo(context, sight, { starts, publishes }, checks),
    ...held(context, sight, failed),
  ];
  const settings = settingsOf(sight, need);
  if (isSome(obstacles))
    return blocked(
      model,
      sight.place,
      [obstacles[0], ...obstacles.slice(1), ...besideObstacles(sight, obstacles)],
      wish,
      drift,
      failed,
      changedIn(others, settings.fields),
    );
  return {
    kind: 'run',
    wish,
    need,
    claim: null,
    adopts: false,
    target,
    others,
    ...settings,
    drift,
    applied,
    endpoint,
    withdraw: endpoint !== null && isInSight(context.world.backends, endpoint, model.name, applied),
    publish: publishes,
    probe: starts || need === 'await' || (!published && (others.length > 0 || context.pending.has(model.name))),
    record: starts || recordDiffers(sight),
    notes: [
      ...checks.filter((problem) => problem.severity !== 'error'),
      ...hidden.map((copy) => unknownCopy(copy, model.name, 'warning')),
      ...(starts ? [] : secretWarnings(sight.secrets)),
      ...notesOn(context, sight),
    ],
    failedBefore: failed,
    ...causeOf(sight, need, settings.fields),
  };
}

/** Somebody else runs it just as declared, or is about to. What only loads is not taken over yet. */
function isServed({ input }: Context, claim: Claim): boolean {
  return isExact(claim) || (isComing(claim) && claim.candidate.copy.phase === 'starting' && input.adopt !== true);
}

/** Nothing is started beside what somebody else runs. With `--adopt` it becomes ours. */
function claimed({ input }: Context, sight: Sight, claim: Claim, checks: readonly Problem[]): Course | Blocked {
  const { wish, place, applied, endpoint } = sight;
  const { copy, warning } = claim.candidate;
  const adopts = input.adopt === true;
  // The name is not somebody's in its way: it is the very one that becomes ours.
  const mine = copy.names?.includes(wish.model.name) === true;
  // Models that throw each other out of memory do so now, too.
  const rest = checks.filter(({ code }) => !(mine && code === NAME_TAKEN) && code !== WEIGHTS_SHARED);
  const errors = adopts ? errorsIn(rest) : [];
  if (isSome(errors)) return blocked(wish.model, place, errors, wish);
  return {
    kind: 'run',
    wish,
    need: 'nothing',
    claim,
    adopts,
    target: copy,
    // Of ours there are only records of copies that have ended.
    others: adopts ? sight.others : [],
    fields: [],
    unchanged: claim.unchanged,
    unverified: claim.unverified,
    drift: driftOf(sight),
    applied,
    endpoint,
    withdraw: false,
    publish: adopts,
    probe: false,
    record: adopts,
    notes: [
      ...rest.filter(({ severity }) => severity !== 'error'),
      ...(adopts && warning !== null ? [toKnow(warning, wish.model.name, place)] : []),
    ],
    failedBefore: null,
    ...intended(causeOfClaim(sight, claim, adopts), place),
  };
}

function causeOfClaim({ applied, place }: Sight, { candidate }: Claim, adopts: boolean): string {
  const again = applied === null ? '' : adopts ? ' again' : ' anew';
  const is = candidate.passing === true ? 'is loading' : 'runs';
  return `it ${is} as declared at ${at(place)}, and ${adopts ? `becomes a model of this stack${again}` : `somebody else started it${again}`}`;
}

/** What runs in its place and cannot be taken over is a reason as well, and often the one behind the others. */
function besideObstacles({ claim, wish }: Sight, told: readonly Problem[]): readonly Problem[] {
  if (claim === null || claim.candidate.obstacle === null || told.some(({ code }) => code === 'not-adoptable')) return [];
  return [{ ...notAdoptable(claim, wish.model.name), severity: 'error' }];
}

/** Whoever asks to take over wants no second copy beside what could not be; nor do clients beside what may be busy with their requests. */
function besides({ input }: Context, { claim, wish, place }: Sight): readonly Problem[] {
  if (claim === null) return [];
  const isBusy = isComing(claim) && (claim.atAddress || input.adopt === true);
  if (!isBusy && (input.adopt !== true || claim.candidate.obstacle !== null)) return [];
  return [{ ...notAdoptable(claim, wish.model.name), severity: 'error', ...(place === null ? {} : { place }) }];
}

function toKnow(warning: string, model: string, place: Place | null): Problem {
  return { severity: 'warning', code: 'adopted-as-it-is', summary: `${model}: ${warning}`, ...(place === null ? {} : { place }) };
}

/** The failure of the last start, if that was of exactly this spec, with the engine that is there now. */
function lastFailure({ input, world }: Context, { wish }: Sight): FailedTry | null {
  const last = input.inventory.failures?.[wish.model.name];
  if (last === undefined || last.specHash !== wish.spec.specHash) return null;
  const seen = world.backends.get(wish.spec.backend);
  const engine = seen?.status === 'reachable' ? engineLabel(seen.engine) : null;
  return engine !== null && last.engine !== null && engine !== last.engine ? null : last;
}

/** What failed is not begun again by itself; what was applied once is a copy that ended, and how often that is started is a supervisor's to count. */
function held({ input }: Context, { wish, applied, place }: Sight, failed: FailedTry | null): readonly Problem[] {
  if (failed === null || input.holdFailed !== true || applied?.specHash === wish.spec.specHash) return [];
  return [failedBefore(wish.model.name, failed, place)];
}

/**
 * What stands in the way once it is known what is wanted. What an engine cannot do matters only where it has to start something; a
 * name that somebody else has, also where clients are only to be sent there.
 */
function obstaclesTo(
  context: Context,
  { wish, target, hidden, forced, secrets }: Sight,
  { starts, publishes }: { readonly starts: boolean; readonly publishes: boolean },
  checks: readonly Problem[],
): readonly Problem[] {
  if (target?.phase === 'unknown' && !forced) return [unknownCopy(target, wish.model.name, 'error')];
  if (!starts) return publishes ? errorsIn(checks).filter(({ code }) => code === NAME_TAKEN) : [];
  // Nothing is started beside a copy that may be working. Were old copies ended first, a cut-off run could not go on.
  if (hidden[0] !== undefined) return [unknownCopy(hidden[0], wish.model.name, 'error')];
  const seen = context.world.backends.get(wish.spec.backend);
  const absent = seen === undefined ? null : absentEngine(wish.model.name, seen);
  if (absent !== null) return [absent];
  const secret = missingSecret(secrets, wish.model.name);
  return [...errorsIn(checks), ...(secret === null ? [] : [secret])];
}

function isSome(problems: readonly Problem[]): problems is Obstacles {
  return problems.length > 0;
}

function notesOn({ world }: Context, { wish, applied, appliedSeen, claim }: Sight): Problem[] {
  const moves = applied !== null && applied.backend !== wish.spec.backend && !appliedSeen && world.specs.has(applied.backend);
  return [
    ...(moves ? [leftBehind(wish.model.name, applied.backend)] : []),
    ...(claim === null ? [] : [notAdoptable(claim, wish.model.name)]),
  ];
}

function needOf({ target, forced }: Sight, drift: readonly Drift[]): Need {
  if (target === null || target.phase === 'failed') return 'start';
  const moved = drift.some((each) => each.instance === target.id && each.field !== null && each.policy === 'correct');
  if (forced || moved) return 'restart';
  return target.phase === 'starting' ? 'await' : 'nothing';
}

function recordDiffers({ wish, applied }: Sight): boolean {
  if (applied === null) return true;
  const { backend, specHash, fields, protect, drainMs } = wish.applied;
  if (applied.backend !== backend || applied.specHash !== specHash || applied.protect !== protect) return true;
  if ((applied.drainMs ?? USUAL_DRAIN_MS) !== drainMs) return true;
  const names = new Set([...Object.keys(fields), ...Object.keys(applied.fields)]);
  return [...names].some((name) => applied.fields[name] !== fields[name]);
}

/** The settings that a person will see changing, and how many stay. */
function settingsOf(sight: Sight, need: Need): SpecChange {
  const { wish, target, comparison, others, applied, published } = sight;
  const old = others[0];
  // A new copy that an earlier run started is still the new one: what it changes is shown against the old one.
  if (old !== undefined && (target === null || !published) && need !== 'restart') return changeOfSpec(old, wish, applied, sight.placeOf);
  if (target === null || (applied === null && need !== 'nothing')) return declaredFields(sight);
  const moved = (comparison?.differing ?? []).filter(({ field }) => policyOf(wish.model, field) === 'correct');
  const fields = moved.map(({ field, from, to }): FieldChange => ({
    field,
    from,
    to,
    price: priceOf(wish.traits, field),
    place: sight.placeOf(field),
  }));
  return {
    fields: [...fields, ...liveChanges(wish, applied, sight.placeOf)],
    unchanged: comparison?.unchanged ?? countDeclared(wish),
    unverified: comparison?.unverified ?? [],
  };
}

/** The settings in which a model that runs would become another one. */
export function changedIn(others: readonly ObservedInstance[], fields: readonly FieldChange[]): readonly FieldChange[] {
  return others.some(({ phase }) => phase !== 'failed') ? fields : [];
}

/** All settings of a model that is not there yet. */
function declaredFields({ wish, placeOf: place }: Sight): SpecChange {
  const fields = Object.entries(wish.spec.fields)
    .filter(([, to]) => to !== null)
    .map(([field, to]): FieldChange => ({ field, from: null, to, price: priceOf(wish.traits, field), place: place(field) }));
  return { fields, unchanged: 0, unverified: [] };
}

function countDeclared({ spec }: Wish): number {
  return Object.values(spec.fields).filter((value) => value !== null).length;
}
