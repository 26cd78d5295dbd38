import type { StepIo } from '../domain/backend.ts';
import type { StepResult } from '../domain/generation.ts';
import type { Step, StepOf } from '../domain/plan.ts';
import { ProblemError } from '../domain/problem.ts';
import { driverOf, type Seen } from './facts.ts';
import type { StepTools } from './tools.ts';

type ActTools = Pick<StepTools, 'drivers' | 'ledger' | 'fetch'>;

/** What an act has to tell beside that it was done. */
export type Told = Pick<StepResult, 'url' | 'cut' | 'note'>;

/** The one act of a step: a driver's, or a write of our own. Tells where clients are sent now, for a publish, and what a drain leaves to be cut. */
export async function act(step: Step, tools: ActTools, seen: Seen, io: StepIo): Promise<Told> {
  if (step.op === 'publish') return { url: await publish(step, tools, seen, io) };
  if (step.op === 'drain') return drain(step, tools, io);
  if (step.op === 'pull') return pull(step, tools, io);
  await change(step, tools, io);
  return {};
}

async function drain(step: StepOf<'drain'>, { drivers }: ActTools, io: StepIo): Promise<Told> {
  const end = await driverOf(drivers, step.backend).perform.drain(step, io);
  if (!end) return {};
  return { note: end.note, ...(end.cut === null || end.cut === 0 ? {} : { cut: end.cut }) };
}

async function pull(step: StepOf<'pull'>, { drivers }: ActTools, io: StepIo): Promise<Told> {
  const note = await offered(driverOf(drivers, step.backend).perform.pull, step)(step, io);
  return note ? { note } : {};
}

async function change(
  step: Exclude<Step, { op: 'publish' | 'drain' | 'pull' }>,
  { drivers, ledger, fetch }: ActTools,
  io: StepIo,
): Promise<void> {
  switch (step.op) {
    case 'adopt':
      return offered(driverOf(drivers, step.backend).perform.adopt, step)(step, io);
    case 'fetch':
      return fetch(step, io);
    case 'start':
      return driverOf(drivers, step.backend).perform.start(step, io);
    case 'probe':
      return driverOf(drivers, step.backend).perform.probe(step, io);
    case 'stop':
      return driverOf(drivers, step.backend).perform.stop(step, io);
    case 'withdraw':
      await drivers[step.backend]?.perform.withdraw?.(step, io);
      return ledger.withdraw(step.model, step.instance);
    case 'record':
      return ledger.record(step.model, step.applied);
    default:
      return unknownKind(step);
  }
}

/** A kind that has no act yet does not compile. One that is read from elsewhere must not pass for done. */
function unknownKind(step: never): never {
  const { id, op } = step as Step;
  throw new Error(`step ${id} is of kind ${op}, for which there is no act`);
}

/** The address is known only now: an instance chooses its port when it starts. */
async function publish(step: StepOf<'publish'>, { drivers, ledger }: ActTools, seen: Seen, io: StepIo): Promise<string> {
  const driver = driverOf(drivers, step.backend);
  const instance = seen.get(step.instance) ?? (await driver.look(step.instance, io.signal));
  const url = instance?.endpoint ?? null;
  if (url === null) throw noEndpoint(step);
  await driver.perform.publish?.(step, io);
  await ledger.publish(step.model, { instance: step.instance, url });
  return url;
}

/** What a driver does only if it offers that. A plan that asks for what it does not offer is a bug. */
function offered<T>(work: T | undefined, step: Step): T {
  if (work === undefined) throw new Error(`backend ${step.backend} has no ${step.op}, which step ${step.id} asks for`);
  return work;
}

function noEndpoint(step: Step): ProblemError {
  return new ProblemError({
    code: 'no-endpoint',
    summary: `${step.instance} on ${step.backend} does not tell its address. Clients of ${step.model} were left where they are.`,
    fix: 'Plan again: llmops plan',
  });
}
