import { isPublished } from '../domain/copies.ts';
import type { Fields } from '../domain/fields.ts';
import type { AppliedModel, Endpoint, ObservedInstance } from '../domain/observed.ts';
import type { Place } from '../domain/problem.ts';
import { claimsOf, type Claim } from './claims.ts';
import { compareCopy, type Comparison } from './compare.ts';
import type { BackendTraits, PlanInput } from './input.ts';
import type { Secrets } from './secrets.ts';
import { placeOf, type Wish } from './wish.ts';
import { arrangeWorld, type Grounds } from './world.ts';

/** What verdicts are made from. */
export interface Context extends Grounds {
  /** What somebody else runs for declared models of which no copy of ours lives. */
  readonly claims: ReadonlyMap<string, Claim>;
}

export function makeContext(input: PlanInput): Context {
  const grounds: Grounds = {
    input,
    world: arrangeWorld(input),
    replace: new Set(input.replace),
    pending: new Set(input.inventory.pending.map((step) => step.model)),
    found: Map.groupBy(input.problems, ({ model }) => model ?? ''),
  };
  return { ...grounds, claims: claimsOf(grounds) };
}

/** All that is known about one declared model: the wish, and what was seen and recorded of it. */
export interface Sight {
  readonly wish: Wish;
  readonly secrets: Secrets;
  readonly place: Place | null;
  readonly placeOf: (field: string) => Place | null;
  /** `--replace` names it. */
  readonly forced: boolean;
  /** The copy with the wished settings. */
  readonly target: ObservedInstance | null;
  /** How the target compares with the wish; null if there is no target, or it has ended. */
  readonly comparison: Comparison | null;
  /** Further copies of ours, best first, that a plan may stop. */
  readonly others: readonly ObservedInstance[];
  /** Further copies whose state is not known: never touched on a guess. */
  readonly hidden: readonly ObservedInstance[];
  /** What is known of the engine on which a copy runs, which may be of another kind than the wished one; null: nothing is. */
  readonly traitsOf: (copy: ObservedInstance) => BackendTraits | null;
  readonly applied: AppliedModel | null;
  /** The backend on which it was last applied could be looked at: what is not seen there is not there. */
  readonly appliedSeen: boolean;
  readonly endpoint: Endpoint | null;
  /** Clients are sent to the target, at its present address. */
  readonly published: boolean;
  /** What somebody else runs from its weights, while no copy of ours lives. */
  readonly claim: Claim | null;
  /** The world is in between two states because a run of ours was cut off, not because somebody else acted. */
  readonly interrupted: boolean;
}

export function lookAt(context: Context, wish: Wish, secrets: Secrets): Sight {
  const { input, world } = context;
  const { name } = wish.model;
  const forced = context.replace.has(name);
  const copies = world.ours.get(name) ?? [];
  const target = copies.find((copy) => copy.specHash === wish.spec.specHash) ?? null;
  const rest = copies.filter((copy) => copy !== target);
  const applied = input.inventory.models[name] ?? null;
  const endpoint = input.inventory.endpoints[name] ?? null;
  const alive = target !== null && target.phase !== 'failed';
  const left = input.inventory.left?.[name] ?? [];
  const isLeft = ({ specHash }: ObservedInstance): boolean =>
    specHash !== null && specHash !== wish.spec.specHash && specHash !== applied?.specHash && left.includes(specHash);
  return {
    wish,
    secrets,
    place: placeOf(input.desired, name),
    placeOf: (field) => placeOf(input.desired, name, field),
    forced,
    target,
    comparison: alive ? notVouched(compareCopy(target, wish.spec.fields, wish.traits, applied), secrets, wish.spec.fields) : null,
    others: rest.filter((copy) => forced || copy.phase !== 'unknown'),
    hidden: rest.filter((copy) => !forced && copy.phase === 'unknown'),
    traitsOf: (copy) => input.traits[world.specs.get(copy.backend)?.type ?? ''] ?? null,
    applied,
    appliedSeen: applied !== null && world.backends.get(applied.backend)?.status === 'reachable',
    endpoint,
    published: target !== null && isPublished(target, endpoint),
    claim: context.claims.get(name) ?? null,
    interrupted: context.pending.has(name) || (applied !== null && endpoint === null) || copies.some(isLeft),
  };
}

/** A reference that is the same says nothing of the secret behind it. */
function notVouched(comparison: Comparison, secrets: Secrets, should: Fields): Comparison {
  const { unverified, differing } = comparison;
  const told = new Set([...unverified, ...differing.map(({ field }) => field)]);
  const more = secrets.unverified.filter((field) => (should[field] ?? null) !== null && !told.has(field));
  return { ...comparison, unchanged: comparison.unchanged - more.length, unverified: [...unverified, ...more] };
}
