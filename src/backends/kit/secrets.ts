import type { StepIo } from '../../domain/backend.ts';
import type { InstanceSpec, ModelSpec } from '../../domain/desired.ts';
import { ProblemError, problemOf } from '../../domain/problem.ts';
import type { SecretSight } from '../../domain/secret.ts';
import { findOurs, type Found, type Parts } from './parts.ts';
import { referenceText } from '../../secrets/reference.ts';
import { readSecret } from '../../secrets/index.ts';
import type { SecretNeed } from './secret-need.ts';

/** Secrets in memory, by instance, for as long as this driver lives. Written nowhere. */
export interface HeldSecrets {
  /** Fetched for a start that is planned, by variable. */
  readonly prepared: Map<string, Readonly<Record<string, string>>>;
  /** Environment of an instance's process that was ended: what served before is put back without asking for its secrets again. */
  readonly former: Map<string, Readonly<Record<string, string>>>;
}

type Surroundings = Parts['context'];

/** Fetches what a start takes, and keeps it for that start. Throws `secret-unavailable`. */
export async function prepareSecrets(spec: InstanceSpec, parts: Parts, io: StepIo): Promise<void> {
  const needs = needsOf(spec, parts);
  if (needs.length === 0) return;
  io.progress(`fetching ${needs.map(({ what }) => `the ${what}`).join(' and ')}`);
  const secrets = await fetchAll(needs, spec.model, parts, io.signal).catch((error: unknown) => {
    throw leaving(error, `${spec.model} was left as it is.`);
  });
  parts.secrets.prepared.set(spec.id, secrets);
}

/**
 * The secrets of a new process, by variable: those that were fetched for it, else those that the former process of this
 * instance had, else fetched now.
 */
export async function secretsFor(spec: InstanceSpec, parts: Parts, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
  const needs = needsOf(spec, parts);
  const prepared = parts.secrets.prepared.get(spec.id);
  if (prepared !== undefined) return prepared;
  const former = parts.secrets.former.get(spec.id) ?? {};
  const kept = needs.flatMap(({ variable }): [string, string][] => (former[variable] ? [[variable, former[variable]]] : []));
  if (kept.length === needs.length) return Object.fromEntries(kept);
  return fetchAll(needs, spec.model, parts, signal).catch((error: unknown) => {
    throw leaving(error, 'Nothing was started.');
  });
}

/** The error, and what is left as it was. */
function leaving(error: unknown, words: string): ProblemError {
  const problem = problemOf(error);
  return new ProblemError({ ...problem, summary: `${problem.summary} ${words}` }, error);
}

/** Remembers what a process that is about to be ended was given. */
export function keepSecrets({ marker, leader }: Found, parts: Parts): void {
  if (leader !== null && parts.engine.secrets !== undefined) parts.secrets.former.set(marker.id, leader.env());
}

/** What can be told of the secrets of these models without running a command. Reads files, variables and the process table. */
export async function lookAtSecrets(models: readonly ModelSpec[], parts: Parts): Promise<Readonly<Record<string, readonly SecretSight[]>>> {
  const needs = models
    .map((model) => [model.name, parts.engine.secrets?.(model.options) ?? []] as const)
    .filter(([, list]) => list.length > 0);
  if (needs.length === 0) return {};
  const running = [...findOurs(await parts.table.list(), parts).values()];
  const sights = needs.map(async ([model, list]) => {
    const own = running.filter(({ marker }) => marker.model === model);
    return [model, await Promise.all(list.map((need) => lookAt(need, model, own, parts.context)))] as const;
  });
  return Object.fromEntries(await Promise.all(sights));
}

async function lookAt(need: SecretNeed, model: string, running: readonly Found[], context: Surroundings): Promise<SecretSight> {
  const { field } = need;
  const sight = { field, reference: referenceText(need.reference) ?? '', problem: null, same: [], other: [] };
  if (typeof need.reference.command === 'string') return { ...sight, status: 'unasked' }; // it does what it likes
  try {
    const secret = await fetchSecret(need, model, context, new AbortController().signal);
    const told = running.map(({ marker, leader }) => [marker.id, isGiven(leader?.env()[need.variable], secret)] as const);
    const idsOf = (given: boolean) => told.filter(([, is]) => is === given).map(([id]) => id);
    return { ...sight, status: 'held', same: idsOf(true), other: idsOf(false) };
  } catch (error) {
    return { ...sight, status: 'missing', problem: problemOf(error) };
  }
}

/** Whether a process was given this secret; null: nobody can tell, as `ps` tears variables apart at blanks. */
function isGiven(had: string | undefined, secret: string): boolean | null {
  if (had === undefined || (process.platform !== 'linux' && /\s/.test(secret))) return null;
  return had === secret;
}

function needsOf(spec: InstanceSpec, { engine }: Parts): readonly SecretNeed[] {
  return engine.secrets?.(spec.options) ?? [];
}

async function fetchAll(
  needs: readonly SecretNeed[],
  model: string,
  parts: Parts,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const pairs = needs.map(async (need) => [need.variable, await fetchSecret(need, model, parts.context, signal)] as const);
  return Object.fromEntries(await Promise.all(pairs));
}

function fetchSecret({ field, what, reference }: SecretNeed, model: string, context: Surroundings, signal: AbortSignal): Promise<string> {
  return readSecret(reference, { what: `${what} of ${model}`, setting: `models.${model}.${field}` }, context, signal);
}
