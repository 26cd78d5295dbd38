import type { StepIo } from '../domain/backend.ts';
import type { Step, StepOf } from '../domain/plan.ts';
import { ProblemError } from '../domain/problem.ts';
import { driverOf, type Seen } from './facts.ts';
import type { StepTools } from './tools.ts';

type ActTools = Pick<StepTools, 'drivers' | 'ledger' | 'fetch'>;

/** The one act of a step: a driver's, or a write of our own. Returns where clients are sent now, for a publish; else null. */
export async function act(step: Step, tools: ActTools, seen: Seen, io: StepIo): Promise<string | null> {
  if (step.op === 'publish') return publish(step, tools, seen, io);
  await change(step, tools, io);
  return null;
}

async function change(step: Exclude<Step, { op: 'publish' }>, { drivers, ledger, fetch }: ActTools, io: StepIo): Promise<void> {
  switch (step.op) {
    case 'adopt':
      return offered(driverOf(drivers, step.backend).perform.adopt, step)(step, io);
    case 'fetch':
      return fetch(step, io);
    case 'pull':
      return offered(driverOf(drivers, step.backend).perform.pull, step)(step, io);
    case 'start':
      return driverOf(drivers, step.backend).perform.start(step, io);
    case 'probe':
      return driverOf(drivers, step.backend).perform.probe(step, io);
    case 'drain':
      return driverOf(drivers, step.backend).perform.drain(step, io);
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
