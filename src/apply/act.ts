import type { Driver, StepIo } from '../domain/backend.ts';
import type { RunLedger } from '../domain/ledger.ts';
import type { Step, StepOf } from '../domain/plan.ts';
import { ProblemError } from '../domain/problem.ts';
import { driverOf, type Seen } from './facts.ts';

/** The one act of a step: a driver's, or a write of our own. Returns where clients are sent now, for a publish; else null. */
export async function act(
  step: Step,
  drivers: Readonly<Record<string, Driver>>,
  ledger: RunLedger,
  seen: Seen,
  io: StepIo,
): Promise<string | null> {
  if (step.op === 'publish') return publish(step, drivers, ledger, seen, io);
  await change(step, drivers, ledger, io);
  return null;
}

function change(
  step: Exclude<Step, { op: 'publish' }>,
  drivers: Readonly<Record<string, Driver>>,
  ledger: RunLedger,
  io: StepIo,
): Promise<void> {
  switch (step.op) {
    case 'start':
      return driverOf(drivers, step.backend).perform.start(step, io);
    case 'probe':
      return driverOf(drivers, step.backend).perform.probe(step, io);
    case 'drain':
      return driverOf(drivers, step.backend).perform.drain(step, io);
    case 'stop':
      return driverOf(drivers, step.backend).perform.stop(step, io);
    case 'withdraw':
      return ledger.withdraw(step.model, step.instance);
    case 'record':
      return ledger.record(step.model, step.applied);
  }
}

/** The address is known only now: an instance chooses its port when it starts. */
async function publish(
  step: StepOf<'publish'>,
  drivers: Readonly<Record<string, Driver>>,
  ledger: RunLedger,
  seen: Seen,
  io: StepIo,
): Promise<string> {
  const instance = seen.get(step.instance) ?? (await driverOf(drivers, step.backend).look(step.instance, io.signal));
  const url = instance?.endpoint ?? null;
  if (url === null) throw noEndpoint(step);
  await ledger.publish(step.model, { instance: step.instance, url });
  return url;
}

function noEndpoint(step: Step): ProblemError {
  return new ProblemError({
    code: 'no-endpoint',
    summary: `${step.instance} on ${step.backend} does not tell its address. Clients of ${step.model} were left where they are.`,
    fix: 'Plan again: llmops plan',
  });
}
