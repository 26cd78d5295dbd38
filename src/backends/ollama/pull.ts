import type { StepIo } from '../../domain/backend.ts';
import { heldKey } from '../../domain/observed.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError } from '../../domain/problem.ts';
import { isOpen } from '../../domain/weights.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import { alone } from './alone.ts';
import { handOver } from './hand-over.ts';
import { pullOrHandOver } from './instead.ts';
import { baseName } from './names.ts';
import { heldKeyOf } from './observe.ts';
import { lookAgain, showTag, tagNamed, type Parts } from './parts.ts';
import { pullClaim, putRight } from './tidy.ts';

/**
 * Brings weights into the server's store, under a name of ours that nobody moves: from a registry, or from files of this
 * machine. Nothing to do if they are there as they were pinned. Tells what people should know of it.
 */
export async function pullWeights(step: StepOf<'pull'>, parts: Parts, io: StepIo): Promise<string | null> {
  throwIfCancelled(io.signal, `fetching the weights of ${step.model}`);
  // Pulls of one stack put right what they moved: two of them at once would undo each other's work.
  return await alone(pullClaim(parts), parts, io, () => bring(step, parts, io));
}

async function bring(step: StepOf<'pull'>, parts: Parts, io: StepIo): Promise<string | null> {
  const { weights, model } = step;
  await putRight(parts, io.signal);
  if (await isHeld(step, parts, io.signal)) return null;
  const origin = weights.remote?.origin;
  const pulls = origin?.kind === 'ollama' && isOpen(origin);
  const note = pulls ? await pullOrHandOver(step, origin, parts, io) : await handOver(weights, parts, io);
  if (await lookAgain(() => isHeld(step, parts, io.signal), parts, io.signal)) return note ?? null;
  throw new ProblemError({
    code: 'not-in-force',
    summary: `Ollama said that it has the weights of ${model}, and what it has is not what was pinned.`,
    fix: 'See whether somebody else changes models on that server, then plan again.',
  });
}

async function isHeld({ weights }: StepOf<'pull'>, parts: Parts, signal: AbortSignal): Promise<true | null> {
  const key = heldKey(weights);
  const base = tagNamed(baseName(key), await parts.client.tags(signal));
  if (base === null || (await heldKeyOf(base, parts, signal)) !== key) return null;
  const first = weights.remote?.files[0]?.sha256 ?? null;
  // The manifest is what was pinned; that it names the pinned weights is a second look at the lock, and costs nothing.
  return first === null || (await showTag(base, parts, signal))?.blob === first ? true : null;
}
