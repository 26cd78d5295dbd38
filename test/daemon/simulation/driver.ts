import type { Driver, StepIo } from '../../../src/domain/backend.ts';
import type { Step } from '../../../src/domain/plan.ts';
import { ProblemError } from '../../../src/domain/problem.ts';
import type { Engine } from './engine.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';

/** What a driver works with. */
export interface DriverParts {
  readonly engine: Engine;
  readonly life: Life;
  readonly time: VirtualTime;
  readonly random: Random;
  /** Called around the moment at which a step takes effect. */
  readonly around: (step: Step, effect: () => void) => void;
}

/** How long an engine that is away is waited for, in milliseconds. */
const AWAY_MS = 1000;

/** Drives an engine from one process. Takes its time, and does nothing once the process is dead. */
export function driverOf({ engine, life, time, random, around }: DriverParts): Driver {
  const pause = (signal?: AbortSignal) => time.sleep(random.between(1, 150), signal);
  const perform = (effect: () => void) => async (step: Step) =>
    life.act(async () => {
      await pause();
      engine.answers();
      around(step, effect);
      await pause();
    });
  return {
    observe: (signal) =>
      life.look(async () => {
        await time.sleep(engine.isReachable ? random.between(1, 60) : AWAY_MS, signal);
        return engine.observe();
      }),
    look: (id) => life.look(async () => engine.look(id)),
    perform: {
      start: (step) => perform(() => engine.start(step.spec))(step),
      stop: (step) => perform(() => engine.stop(step.instance))(step),
      probe: (step, io) => life.act(() => comesUp(engine, step, io)),
      drain: (_step, io) => life.act(() => time.sleep(random.chance(0.3) ? random.between(500, 8000) : 5, io.signal)),
    },
  };
}

/** Waits until the copy serves. */
async function comesUp(engine: Engine, step: Step, { signal }: StepIo): Promise<void> {
  for (;;) {
    const copy = engine.look(step.instance);
    if (copy?.phase === 'serving') return;
    if (copy === null) throw new ProblemError({ code: 'sim-gone', summary: `${step.instance} is not there.`, fix: 'Plan again.' });
    if (copy.phase === 'failed') throw new ProblemError({ code: 'sim-failed', summary: `${step.instance} failed.`, fix: 'See its log.' });
    signal.throwIfAborted();
    await engine.change(signal);
    signal.throwIfAborted();
  }
}
