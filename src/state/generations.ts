import { canonicalJson } from '../domain/canonical.ts';
import type { Json } from '../domain/desired.ts';
import type { Generation, StepResult } from '../domain/generation.ts';
import type { RunHeader } from '../domain/ledger.ts';
import { ProblemError } from '../domain/problem.ts';
import type { Step } from '../domain/plan.ts';
import { waysBack } from '../domain/retention.ts';
import type { Disk } from './disk.ts';
import { isObject, jsonText, readJson, writeDurably } from './durable.ts';
import { stateFiles } from './files.ts';
import { readHolds } from './holds.ts';
import type { JournalRecord } from './journal.ts';

/** How many generations are kept; older ones are removed when a new one is written. */
export const KEPT_GENERATIONS = 100;

/** Numbers of the stored generations, oldest first. */
export async function generationNumbers(disk: Disk, dir: string): Promise<readonly number[]> {
  const names = await disk.list(stateFiles.generations(dir));
  return names.flatMap((name) => (/^\d{6,}\.json$/.test(name) ? [Number.parseInt(name, 10)] : [])).sort((a, b) => a - b);
}

/** The newest readable generations, newest first. A damaged one is left out: it is history, and the others still tell theirs. */
export async function readGenerations(disk: Disk, dir: string, limit = KEPT_GENERATIONS): Promise<readonly Generation[]> {
  const numbers = (await generationNumbers(disk, dir)).slice(-limit);
  const all = await Promise.all(
    numbers.map(async (number) => (await readJson(disk, stateFiles.generation(dir, number), shape, null)).value),
  );
  return all.filter((generation) => generation !== null).toReversed();
}

/** null: there is none. Throws a ProblemError if it is damaged. */
export async function readGenerationFile(disk: Disk, dir: string, number: number): Promise<Generation | null> {
  const { value, problem } = await readJson(disk, stateFiles.generation(dir, number), shape, null);
  if (problem)
    throw new ProblemError({ ...problem, severity: 'error', fix: 'The other generations are not affected: see `llmops history`.' });
  return value;
}

/** As it stands when the run begins: so that a run that is cut off is in the history too. */
export function newGeneration(number: number, run: string, header: RunHeader): Generation {
  const { plan, who, source, command, trigger, wayBack } = header;
  return {
    formatVersion: '1.3',
    number,
    run,
    who,
    ...(command === undefined ? {} : { command }),
    ...(trigger === undefined ? {} : { trigger }),
    ...(wayBack === undefined ? {} : { wayBack }),
    mode: plan.mode,
    stack: plan.stack,
    environment: plan.environment,
    revision: plan.revision,
    startedAt: header.now(),
    finishedAt: null,
    ms: null,
    outcome: null,
    source,
    ...(header.attached === undefined ? {} : { attached: header.attached }),
    ...(header.left === undefined || header.left.length === 0 ? {} : { left: header.left }),
    summary: plan.summary,
    changes: plan.changes.filter((change) => change.action !== 'keep'),
    drift: plan.drift,
    steps: plan.steps.map((step) => notBegun(step, 'it has not begun yet')),
  };
}

/**
 * Durable when it resolves. Removes what is older than the kept ones, but for those in which something was applied that is
 * still in force: their text is what a supervisor goes by; and for what one can go back to, however often something was
 * started anew since.
 */
export async function writeGeneration(disk: Disk, dir: string, generation: Generation, inForce: ReadonlySet<number>): Promise<void> {
  await writeDurably(disk, stateFiles.generation(dir, generation.number), jsonText(generation));
  const old = (await generationNumbers(disk, dir)).slice(0, -KEPT_GENERATIONS).filter((number) => !inForce.has(number));
  if (old.length === 0) return;
  const needed = await neededGenerations(disk, dir);
  for (const number of old) if (!needed.has(number)) await disk.remove(stateFiles.generation(dir, number));
}

/** What a rollback holds to, what a release that is watched would go back to, and the newest of each release that is within reach. */
async function neededGenerations(disk: Disk, dir: string): Promise<ReadonlySet<number>> {
  const { pin, bake } = (await readHolds(dir, disk)).holds;
  const releaseOf = ({ revision, source, attached }: Generation): string => canonicalJson([revision, source.lock ?? null, attached ?? {}]);
  const ways = waysBack(await readGenerations(disk, dir, Infinity), releaseOf).filter(({ isKept }) => isKept);
  return new Set([pin?.generation ?? 0, bake?.previous ?? 0, ...ways.map(({ number }) => number)]);
}

/** Closes a generation whose run was cut off, with what the journal knows of its steps. */
export function interrupted(generation: Generation, records: readonly JournalRecord[]): Generation {
  const own = records.filter((record) => record.run === generation.run);
  const begins = new Map(own.filter((record) => record.kind === 'begin').map((record) => [record.step, record]));
  const ends = new Map(own.filter((record) => record.kind === 'end').map((record) => [record.step, record]));
  const steps = generation.steps.map((step): StepResult => {
    const begin = begins.get(step.step);
    return begin ? begun(step, begin, ends.get(step.step)) : { ...step, because: 'the run was cut off before it began' };
  });
  return { ...generation, outcome: 'interrupted', finishedAt: own.at(-1)?.at ?? generation.startedAt, steps };
}

function notBegun({ id, op, model, backend, instance, cause }: Step, because: string): StepResult {
  return { step: id, op, model, backend, instance, cause, status: 'skipped', problem: null, because, startedAt: null, ms: 0 };
}

function begun(step: StepResult, begin: JournalRecord, end: JournalRecord | undefined): StepResult {
  if (!end) return { ...step, status: 'interrupted', because: 'the run was cut off during this step', startedAt: begin.at };
  const ms = Math.max(0, Date.parse(end.at) - Date.parse(begin.at));
  return { ...step, status: end.outcome as StepResult['status'], because: null, startedAt: begin.at, ms };
}

function shape(value: Json): Generation | null {
  const is = isObject(value) && typeof value['number'] === 'number' && typeof value['run'] === 'string' && Array.isArray(value['steps']);
  return is ? (value as unknown as Generation) : null;
}
