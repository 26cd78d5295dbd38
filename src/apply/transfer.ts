import type { StepIo } from '../domain/backend.ts';
import type { Step } from '../domain/plan.ts';
import type { StepTools } from './tools.ts';

/** Listeners hear of a file so often at most, in milliseconds, and of its end in any case. */
const EVERY_MS = 250;
/** The rate is that of the last seconds, so that it follows a line that becomes slow. */
const WINDOW_MS = 5000;
/** Over less time a rate says nothing. */
const LEAST_MS = 500;

interface Sample {
  readonly ms: number;
  readonly done: number;
}

/** Tells how far each file of a step is: `done` and `total` in bytes, as often as it likes. */
export function transfers(step: Step, { clock, say }: StepTools): StepIo['transfer'] {
  const files = new Map<string, { samples: Sample[]; toldMs: number }>();
  return (file, done, total) => {
    const ms = clock.monotonicMs();
    const known = files.get(file) ?? { samples: [], toldMs: -Infinity };
    files.set(file, known);
    if (done !== total && ms - known.toldMs < EVERY_MS) return;
    known.toldMs = ms;
    known.samples = [...known.samples.filter((sample) => ms - sample.ms <= WINDOW_MS), { ms, done }];
    say({ type: 'step.transfer', step: step.id, model: step.model, file, done, total, bytesPerSecond: rateOf(known.samples) });
  };
}

function rateOf(samples: readonly Sample[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.ms - first.ms < LEAST_MS) return null;
  return Math.max(0, Math.round((1000 * (last.done - first.done)) / (last.ms - first.ms)));
}
