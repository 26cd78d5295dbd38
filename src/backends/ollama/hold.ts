import type { StepIo } from '../../domain/backend.ts';
import { ProblemError, type Problem } from '../../domain/problem.ts';
import { holdsOn, originalName, readHold, takenName, type Hold } from './holds.ts';
import { fullName } from './names.ts';
import { tagNamed, type Parts } from './parts.ts';
import { takenOver } from './problems.ts';
import type { Tag } from './shown.ts';

const LOOKS = 20;
const LOOK_MS = 50;

/**
 * Says on the server that a model is this stack's from now on, before anything is made of it. Ollama knows no locks, so whoever finds
 * another one's hold beside its own after writing takes its own back: of two at once at most one goes on, and both can be told.
 * `changed` is what is wrong if the model is gone.
 */
export async function takeHold(model: string, stranger: Tag, changed: Omit<Problem, 'severity'>, parts: Parts, io: StepIo): Promise<void> {
  const { client } = parts;
  const tags = await client.tags(io.signal);
  const before = otherHold(stranger, tags, parts);
  if (before !== null) throw new ProblemError(takenOver(model, stranger.name, before));
  for (const name of holdNames(model, stranger, tags, parts)) await client.copy(stranger.name, name, io.signal);
  const after = await client.tags(io.signal);
  const isHeld = holdsOn(stranger, after).some(({ stackId }) => stackId === parts.stackId);
  const rival = isHeld ? await rivalOf(stranger, after, parts, io) : null;
  if (isHeld && rival === null) return;
  await letGo(model, parts, io.signal);
  throw new ProblemError(rival === null ? changed : takenOver(model, stranger.name, rival));
}

/** Takes back what this stack holds for a model, which goes on under its user's own name. */
export async function letGo(model: string, parts: Parts, signal: AbortSignal): Promise<void> {
  for (const { name } of await parts.client.tags(signal)) {
    const hold = readHold(name);
    if (hold?.stackId === parts.stackId && hold.model === model.toLowerCase()) await parts.client.remove(name, signal);
  }
}

/** The hold of another stack on a model; null: there is none. */
export function otherHold(stranger: Tag, tags: readonly Tag[], { stackId }: Pick<Parts, 'stackId'>): Hold | null {
  return holdsOn(stranger, tags).find((hold) => hold.stackId !== stackId) ?? null;
}

/** A model that has the declared name is not lost: it gets that back when no copy of ours needs it any more. */
function holdNames(model: string, stranger: Tag, tags: readonly Tag[], { stackId, context: { stack } }: Parts): readonly string[] {
  const alias = tagNamed(model, tags);
  const original = alias?.digest === stranger.digest ? [originalName(alias.name, { stackId, stack })] : [];
  const hasName = fullName(stranger.name) === fullName(model);
  return hasName ? original : [...original, takenName(model, stranger.name, { stackId, stack })];
}

/** Of two that find each other one waits for the other one to step back, so that one of them goes on. */
async function rivalOf(stranger: Tag, tags: readonly Tag[], parts: Parts, io: StepIo): Promise<Hold | null> {
  let rival = otherHold(stranger, tags, parts);
  for (let round = 0; rival !== null && parts.stackId < rival.stackId && round < LOOKS; round += 1) {
    await parts.clock.sleep(LOOK_MS, io.signal);
    rival = otherHold(stranger, await parts.client.tags(io.signal), parts);
  }
  return rival;
}
