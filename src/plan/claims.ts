import { areGone } from '../domain/copies.ts';
import type { ModelSpec } from '../domain/desired.ts';
import { plainly, type Fields, type Scalar } from '../domain/fields.ts';
import type { Candidate } from '../domain/observed.ts';
import type { Problem } from '../domain/problem.ts';
import { secretsOf } from './secrets.ts';
import type { BackendTraits } from './input.ts';
import type { Grounds } from './world.ts';
import { makeWish, shapesProcess, type Wish } from './wish.ts';
import { list, value } from './words.ts';

/** What somebody else runs from a declared model's weights. */
export interface Claim {
  readonly candidate: Candidate;
  /** Settings that are not as declared, or that nobody can vouch for though the engine was asked; empty: it runs just so. */
  readonly differing: readonly Mismatch[];
  readonly unchanged: number;
  /** Settings that this engine never tells. */
  readonly unverified: readonly string[];
  /** Clients of the model are sent to where it listens. */
  readonly atAddress: boolean;
}

interface Mismatch {
  readonly field: string;
  readonly is: Scalar;
  readonly declared: Scalar;
}

/**
 * By model: the copy of somebody else's that stands for it, as long as none of ours lives. One copy stands for one model, the first
 * by name that it fits. Where none fits, the nearest one says why.
 */
export function claimsOf(context: Grounds): ReadonlyMap<string, Claim> {
  const claims = new Map<string, Claim>();
  if (!context.input.observed.some((backend) => backend.status === 'reachable' && backend.candidates !== undefined)) return claims;
  const taken = new Set<string>();
  for (const model of context.input.desired.models) {
    const found = compared(context, model).filter(({ candidate }) => !taken.has(candidate.copy.id));
    const fits = found.find(isExact);
    const claim = fits ?? found.toSorted(byNearness)[0];
    if (claim === undefined) continue;
    if (fits !== undefined) taken.add(fits.candidate.copy.id);
    claims.set(model.name, claim);
  }
  return claims;
}

/** What only differs in settings tells a person more than what is not theirs to take, whatever its settings are. */
function byNearness(a: Claim, b: Claim): number {
  return Number(a.candidate.obstacle !== null) - Number(b.candidate.obstacle !== null) || a.differing.length - b.differing.length;
}

/** True if it runs just as declared and can be taken over. */
export function isExact({ differing, candidate }: Claim): boolean {
  return differing.length === 0 && candidate.obstacle === null;
}

/** True if, as far as can be told while it loads or is busy, it is about to run just as declared: nothing is started beside that. */
export function isComing({ differing, candidate }: Claim): boolean {
  return differing.length === 0 && candidate.obstacle !== null && candidate.passing === true;
}

function compared(context: Grounds, model: ModelSpec): readonly Claim[] {
  const { input, world, replace } = context;
  const { name } = model;
  const seen = world.backends.get(model.backend);
  const candidates = seen?.status === 'reachable' ? (seen.candidates ?? []).filter((candidate) => candidate.model === name) : [];
  if (candidates.length === 0 || replace.has(name) || !areGone(world.ours.get(name) ?? [])) return [];
  const wish = wishOf(context, model);
  const claims = wish === null ? [] : candidates.map((candidate) => compare(candidate, wish, input.inventory.endpoints[name]?.url ?? null));
  return claims.filter((claim) => standsFor(context, model, claim));
}

/**
 * A model that was applied has a place that its clients know: what somebody else runs elsewhere stands for it only if that place is given
 * up, or somebody asks for it. Where its own copy may live unseen, nothing does.
 */
function standsFor({ input, world }: Grounds, { name }: ModelSpec, claim: Claim): boolean {
  const applied = input.inventory.models[name];
  if (applied === undefined) return true;
  if (world.backends.get(applied.backend)?.status !== 'reachable') return false;
  const isFree = input.adopt === true || input.inventory.endpoints[name] === undefined;
  return claim.atAddress || (isFree && isExact(claim));
}

function wishOf(context: Grounds, model: ModelSpec): Wish | null {
  const { input, world } = context;
  const artifact = input.artifacts[model.name];
  const backend = world.specs.get(model.backend);
  const traits = backend && input.traits[backend.type];
  if (artifact === undefined || backend === undefined || traits === undefined) return null;
  return makeWish(input.desired, model, artifact, backend, traits, input.hash, secretsOf(context, model.name).numbered);
}

/**
 * Field by field, and stricter than with a copy of ours: what it was told and llmops.yaml leaves open would be lost with its next
 * start, so that counts as well; so does what the engine was not told and does not tell, since its default is not known here.
 */
function compare(candidate: Candidate, wish: Wish, address: string | null): Claim {
  const differing: Mismatch[] = [];
  const unverified: string[] = [];
  let unchanged = 0;
  for (const [field, declared] of Object.entries(wish.spec.fields)) {
    if (!shapesProcess(wish.traits, field)) continue;
    const is = inForce(candidate, field, declared);
    // While it loads it does not tell what it was not told: that is looked at before it is taken over.
    if (is === undefined || (is === null && candidate.passing === true)) {
      if (declared !== null) unverified.push(field);
    } else if (isMet(field, declared, is, wish.spec.fields, wish.traits)) unchanged += declared === null ? 0 : 1;
    else differing.push({ field, is, declared });
  }
  return { candidate, differing, unchanged, unverified, atAddress: address !== null && isReachedAt(candidate, address, wish.model.name) };
}

function isReachedAt({ copy: { endpoint, names } }: Candidate, address: string, model: string): boolean {
  return endpoint === address && (names === undefined || names.includes(model));
}

/** What it was told counts where llmops.yaml is silent; undefined: nobody can tell. */
function inForce({ copy }: Candidate, field: string, declared: Scalar): Scalar | undefined {
  const told = copy.configured[field];
  if (declared === null) return told ?? null;
  return copy.loaded?.[field] ?? told;
}

function isMet(field: string, declared: Scalar, is: Scalar, fields: Fields, { compare: match = plainly }: BackendTraits): boolean {
  if (declared === is) return true;
  return declared !== null && is !== null && match(field, declared, is, fields) === 'same';
}

/** What a plan says of a copy that does not fit. It is left alone; without `--adopt` a second one is started beside it. */
export function notAdoptable({ candidate, differing }: Claim, model: string): Problem {
  const { copy, obstacle, passing } = candidate;
  const who = copy.process === null ? copy.id : `${copy.id} (${copy.endpoint ?? 'no address'})`;
  // Words that no key speaks of can be anything, and belong to somebody else.
  const fields = differing.map(({ field, is, declared }) =>
    field === 'options.args' ? `${field} are others` : `${field} is ${value(is)}, declared ${value(declared)}`,
  );
  return {
    severity: 'info',
    code: 'not-adoptable',
    summary:
      obstacle === null
        ? `${who} runs the weights of ${model} with other settings, and was not started by llmops: ${list(fields)}. It is left alone.`
        : `${who} runs the file of ${model} and cannot be taken over: it ${obstacle}. It is left alone.`,
    fix:
      obstacle === null
        ? `To take it over as it runs, declare what it runs with, then \`llmops apply --adopt\`. To have a copy of its own beside it, leave out --adopt.`
        : passing === true
          ? `Try again when it answers. To have ${model} in its place, end it first.`
          : `To have ${model} in its place, end it first.`,
  };
}
