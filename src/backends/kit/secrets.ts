import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { StepIo } from '../../domain/backend.ts';
import type { InstanceSpec, ModelSpec } from '../../domain/desired.ts';
import { ProblemError, problemOf } from '../../domain/problem.ts';
import type { SecretSight } from '../../domain/secret.ts';
import { askProgram, type Answer } from '../../programs/index.ts';
import { throwIfCancelled } from './clock.ts';
import { findOurs, type Found, type Parts } from './parts.ts';
import { referenceText, type Reference, type SecretNeed } from './reference.ts';

/** Secrets in memory, by instance, for as long as this driver lives. Written nowhere. */
export interface HeldSecrets {
  /** Fetched for a start that is planned, by variable. */
  readonly prepared: Map<string, Readonly<Record<string, string>>>;
  /** Environment of an instance's process that was ended: what served before is put back without asking for its secrets again. */
  readonly former: Map<string, Readonly<Record<string, string>>>;
}

/** How long a command may take, or a file. */
const SECRET_MS = 30_000;
/** A secret is a line; a file that begins with a longer one is something else. */
const MAX_BYTES = 64 * 1024;

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

/** What a secret is for, and where its reference stands in llmops.yaml. */
interface SecretUse {
  readonly what: string;
  readonly setting: string;
}

/**
 * The first line of what a reference leads to, kept nowhere. Throws `secret-unavailable`: what went wrong is told by the
 * reference, never by the value.
 */
export async function readSecret(reference: Reference, use: SecretUse, context: Surroundings, signal: AbortSignal): Promise<string> {
  const secret = await textBehind(reference, context, signal).catch((error: unknown) => {
    throwIfCancelled(signal, `fetching the ${use.what}`);
    throw unavailable(reference, use, whyNot(error));
  });
  const line = secret.split('\n', 1)[0]?.trim() ?? '';
  if (line === '') throw unavailable(reference, use, 'it is empty');
  // Such a text can be no variable (NUL) or no header, and the errors of both would quote it.
  if (!/^[\x20-\x7e\x80-\xff]*$/.test(line)) throw unavailable(reference, use, 'it holds characters that a key cannot have');
  return line;
}

async function textBehind({ env, file, command }: Reference, context: Surroundings, signal: AbortSignal): Promise<string> {
  if (typeof env === 'string') {
    const value = context.env[env];
    if (value === undefined) throw new Why('it is not set');
    return value;
  }
  if (typeof file === 'string') {
    return inTime(readSmall(resolve(context.baseDir, file)), signal);
  }
  const shell = { file: '/bin/sh', args: ['-c', String(command)], cwd: context.baseDir, env: context.env };
  const answer = await askProgram({ ...shell, deadlineMs: SECRET_MS, limitBytes: MAX_BYTES, signal });
  if (answer.code !== 0) throw new Why(howItEnded(answer));
  return answer.stdout;
}

async function readSmall(path: string): Promise<string> {
  const facts = await stat(path);
  if (facts.isDirectory()) throw new Why('it is a folder');
  if (!facts.isFile()) throw new Why('it is not a file');
  if (facts.size > MAX_BYTES) throw new Why('it is larger than a secret can be');
  return readFile(path, 'utf8');
}

/** A disk in the network that does not answer holds whoever reads from it for ever; nothing calls that back, so it is not waited for. */
function inTime<T>(reading: Promise<T>, signal: AbortSignal): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(SECRET_MS)]);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(new Why(`it did not come within ${SECRET_MS / 1000} s`));
  if (limit.aborted) giveUp();
  limit.addEventListener('abort', giveUp, { once: true });
  return Promise.race([reading, late]);
}

/** A reason in words of ours. */
class Why extends Error {}

function howItEnded({ how, code }: Answer): string {
  if (how === 'late') return `its command took longer than ${SECRET_MS / 1000} s`;
  if (how === 'too-much') return 'its command wrote more than a secret can be';
  return code === null ? 'its command could not be run' : `its command ended with exit code ${code}`;
}

const CODES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
};

function whyNot(error: unknown): string {
  if (error instanceof Why) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? 'it cannot be read' : (CODES[code] ?? `it cannot be read (${code})`);
}

function unavailable(reference: Reference, { what, setting }: SecretUse, why: string): ProblemError {
  const { env, file } = reference;
  const how =
    typeof env === 'string'
      ? `Set ${env} where llmops is called`
      : typeof file === 'string'
        ? `Write it into the first line of ${file}`
        : 'See what that command says when you call it yourself';
  return new ProblemError({
    code: 'secret-unavailable',
    summary: `The ${what} cannot be had from ${referenceText(reference) ?? 'nowhere'}: ${why}.`,
    fix: `${how}, or correct ${setting}.`,
  });
}
