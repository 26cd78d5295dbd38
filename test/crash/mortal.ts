import type { Driver } from '../../src/domain/backend.ts';
import type { Ledger, RunLedger } from '../../src/domain/ledger.ts';

/** Called at each crash point, in the order in which they are passed. Dies, or returns. */
export type CrashPoint = (where: string) => void;

/** Runs an effect with a crash point before and one after it. */
async function around<T>(point: CrashPoint, where: string, effect: () => Promise<T>): Promise<T> {
  point(`before ${where}`);
  const result = await effect();
  point(`after ${where}`);
  return result;
}

/** The same ledger, in a process that may die around each of its writes. */
export function mortalLedger(ledger: Ledger, point: CrashPoint): Ledger {
  return {
    beginRun: async (lease, header) => mortalRun(await around(point, 'run-begin', () => ledger.beginRun(lease, header)), point),
  };
}

function mortalRun(run: RunLedger, point: CrashPoint): RunLedger {
  return {
    run: run.run,
    generation: run.generation,
    begin: (step) => around(point, `begin ${step.id}`, () => run.begin(step)),
    end: (step, status) => around(point, `end ${step.id}`, () => run.end(step, status)),
    publish: (model, endpoint) => around(point, `publish ${model}`, () => run.publish(model, endpoint)),
    withdraw: (model, instance) => around(point, `withdraw ${model}`, () => run.withdraw(model, instance)),
    record: (model, applied) => around(point, `record ${model}`, () => run.record(model, applied)),
    finish: (outcome, steps, ms) => around(point, 'run-end', () => run.finish(outcome, steps, ms)),
  };
}

/** The same drivers, in a process that may die around each call that changes the world. */
export function mortalDrivers(drivers: Readonly<Record<string, Driver>>, point: CrashPoint): Readonly<Record<string, Driver>> {
  const wrap = ({ perform, ...rest }: Driver): Driver => ({
    ...rest,
    perform: {
      start: (step, io) => around(point, step.id, () => perform.start(step, io)),
      probe: (step, io) => around(point, step.id, () => perform.probe(step, io)),
      drain: (step, io) => around(point, step.id, () => perform.drain(step, io)),
      stop: (step, io) => around(point, step.id, () => perform.stop(step, io)),
    },
  });
  return Object.fromEntries(Object.entries(drivers).map(([name, driver]) => [name, wrap(driver)]));
}
