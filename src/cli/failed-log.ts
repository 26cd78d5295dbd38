import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Generation, StepResult } from '../domain/generation.ts';
import { ProblemError } from '../domain/problem.ts';

/** A copy that was started and did not come up. */
interface FailedCopy {
  readonly instance: string;
  readonly generation: number;
  /** When its start had failed, in milliseconds since the epoch; what it wrote, it wrote before. */
  readonly endedMs: number;
}

/** Its copy was ended before the step was, but both times are rounded; the next start is further away than this. */
const SLACK_MS = 50;
/** Further than the drivers keep them, so that more kept ones are found too. */
const MOST_EARLIER = 9;

/** Name of the log in which the copy of a model that failed last when it was started said why. Throws a ProblemError if there is none. */
export async function failedLog(stateDir: string, model: string): Promise<string> {
  const { listGenerations } = await import('../state/index.ts');
  const generations = await listGenerations(stateDir);
  const failed = lastFailed(generations, model);
  if (failed === null) {
    throw new ProblemError({
      code: 'no-failed-log',
      summary: `No start of ${model} has failed, as far as the history goes.`,
      fix: `See what runs or ran: llmops logs ${model}`,
    });
  }
  if (!isStartedSince(generations, failed)) return logName(failed.instance);
  const earlier = await writtenBefore(join(stateDir, 'logs'), logName(failed.instance), failed.endedMs + SLACK_MS);
  if (earlier === null) throw startedSince(model, failed);
  return earlier;
}

/** Each start moves the log of the one before aside, `.1` being the latest: the latest one that was written to no later than then; null: it is gone. */
async function writtenBefore(folder: string, name: string, ms: number): Promise<string | null> {
  for (let number = 1; number <= MOST_EARLIER; number += 1) {
    const facts = await stat(join(folder, `${name}.${number}`)).catch(() => null);
    if (facts !== null && facts.mtimeMs <= ms) return `${name}.${number}`;
  }
  return null;
}

/** For those who read another log: where the copy that failed last has its own; null: none failed, or this is it. */
export async function noteOnFailed(stateDir: string, model: string, shown: string): Promise<string | null> {
  const { readState } = await import('../state/index.ts');
  const failure = (await readState(stateDir).catch(() => null))?.inventory.failures?.[model];
  if (failure === undefined || shown === logName(`${model}-${failure.specHash}`)) return null;
  return `The copy that failed in generation ${failure.generation} is another one: llmops logs --failed ${model}`;
}

/** As the drivers name logs. */
function logName(instance: string): string {
  return `${encodeURIComponent(instance)}.log`;
}

function lastFailed(generations: readonly Generation[], model: string): FailedCopy | null {
  for (const { number, steps } of generations) {
    const step = steps.find((one) => one.model === model && isStart(one) && one.status === 'failed');
    if (step !== undefined) return { instance: step.instance, generation: number, endedMs: Date.parse(step.startedAt ?? '') + step.ms };
  }
  return null;
}

function isStart({ op }: StepResult): boolean {
  return op === 'start' || op === 'probe';
}

/** A start gives a copy a new log. */
function isStartedSince(generations: readonly Generation[], { instance, generation }: FailedCopy): boolean {
  return generations.some(
    ({ number, steps }) =>
      number > generation && steps.some((step) => step.op === 'start' && step.status === 'done' && step.instance === instance),
  );
}

function startedSince(model: string, { instance, generation }: FailedCopy): ProblemError {
  return new ProblemError({
    code: 'no-failed-log',
    summary: `${instance}, which failed in generation ${generation}, was started again since, and its log is kept no longer.`,
    fix: `See the one of its last start: llmops logs ${model}`,
  });
}
