import type { Generation } from '../domain/generation.ts';
import { ProblemError } from '../domain/problem.ts';
import { waysBack } from '../domain/retention.ts';
import type { Reach } from '../render/history/horizon.ts';
import { hasLocalWeights } from '../stack/local-weights.ts';
import { releaseOfGeneration } from '../stack/release.ts';
import type { Session } from '../stack/session.ts';
import { storeOf } from '../stack/store.ts';
import type { CliContext, StackFlags } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { localClock, type Moment } from './moment.ts';
import { print, printJson, screenOf } from './screen.ts';

export interface HistoryFlags extends StackFlags {
  readonly limit: number;
  readonly model?: string;
  readonly since?: Moment;
  readonly json?: boolean;
}

/** `llmops history`: the applied generations, newest first. */
export async function run(context: CliContext, flags: HistoryFlags): Promise<number> {
  const { session } = await openSessionOrLast(context, flags);
  const { listGenerations, refuseTakenStack } = await import('../state/index.ts');
  await refuseTakenStack(session.stateDir, session.paths.file);
  const all = await listGenerations(session.stateDir);
  if (flags.model !== undefined) refuseUnknownModel(flags.model, all, session.desired.models);
  const wanted = flags.model === undefined ? all : all.flatMap((one) => aboutModel(one, flags.model ?? ''));
  const since = flags.since?.(context.now()) ?? -Infinity;
  const generations = wanted.filter((one) => Date.parse(one.startedAt) >= since).slice(0, flags.limit);
  const { historyDocument, renderHistoryText, renderHorizon } = await import('../render/index.ts');
  if (flags.json) await printJson(context.stdout, historyDocument(generations));
  else if (generations.length === 0 && all.length > 0)
    await print(context.stdout, 'No generation is like that. All of them: `llmops history`.');
  else {
    const looks = { ...screenOf(context.stdout, context, flags), now: context.now(), clock: localClock };
    await print(context.stdout, renderHistoryText(generations, looks));
    await print(context.stdout, renderHorizon(await horizon(all, session, context), looks));
  }
  return 0;
}

/** Which generations one can go back to from here, and what the others would have to fetch. */
async function horizon(all: readonly Generation[], session: Session, context: CliContext): Promise<readonly Reach[]> {
  const ways = waysBack(all, releaseOfGeneration);
  const [inForce] = ways;
  const where = { paths: session.paths, stateDir: session.stateDir, context };
  const isWhole = async (number: number): Promise<boolean> => {
    const generation = all.find((one) => one.number === number);
    return generation !== undefined && hasLocalWeights(generation, where);
  };
  const whole = await Promise.all(ways.map(async (way) => way === inForce || (await isWhole(way.number))));
  const open = ways.filter((_way, index) => whole[index]);
  if (open.every(({ files }) => Object.keys(files).length === 0)) return open.map(({ number }) => ({ number, missingBytes: 0 }));
  const stored = await (await storeOf(context)).list().catch(() => []);
  const here = new Set(stored.map(({ sha256 }) => sha256));
  return open.map(({ number, files }) => {
    const missing = Object.entries(files).filter(([digest]) => !here.has(digest));
    return { number, missingBytes: missing.reduce((sum, [, bytes]) => sum + bytes, 0) };
  });
}

/** What one generation did to one model; empty: nothing. */
function aboutModel(one: Generation, model: string): readonly Generation[] {
  const changes = one.changes.filter((change) => change.model === model);
  const steps = one.steps.filter((step) => step.model === model);
  const drift = one.drift.filter((drifted) => drifted.model === model);
  return changes.length + steps.length === 0 ? [] : [{ ...one, changes, steps, drift }];
}

/** A slip in a name must not read as "nothing ever happened to it". */
function refuseUnknownModel(model: string, all: readonly Generation[], declared: readonly { readonly name: string }[]): void {
  if (declared.some(({ name }) => name === model) || all.some((one) => aboutModel(one, model).length > 0)) return;
  throw new ProblemError({
    code: 'unknown-model',
    summary: `"${model}" is not declared, and no generation is about it.`,
    fix: 'See which there are: llmops status',
  });
}
