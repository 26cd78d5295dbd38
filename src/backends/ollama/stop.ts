import { setTimeout as pause } from 'node:timers/promises';
import type { StepIo } from '../../domain/backend.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError, problemOf } from '../../domain/problem.ts';
import { alone } from './alone.ts';
import { stopAskingToStay } from './expiry.ts';
import { fullName } from './names.ts';
import { readStore } from './observe.ts';
import { oursIn, showTag, type Ours, type Parts } from './parts.ts';
import type { Shown } from './shown.ts';
import { awaitUnloaded, userOfRunner } from './unload.ts';

/** Between two looks at a list, in milliseconds. */
const AGAIN_MS = 200;

/**
 * Takes a copy out of memory, waits until it is out, and removes its model and the names that still lead to it. The pristine
 * weights stay. Nothing to do if it is gone. A runner that another copy uses as well stays.
 */
export async function stopInstance(step: StepOf<'stop'>, parts: Parts, io: StepIo): Promise<void> {
  if (step.process !== null) throw changed(step, 'a process was planned to end, and Ollama shows none');
  const found = await find(step.instance, parts, io);
  if (found !== undefined) {
    if (step.specHash !== null && found.derived.specHash !== step.specHash) throw changed(step, 'its settings are others');
    // Copies that share a runner and end at the same time would each leave it to the other one.
    const waits = 'waiting: another copy of the same weights is being stopped';
    await alone(`runner-${found.derived.blobId}`, parts, io, () => stopOne(step, found, parts, io), waits);
  }
  parts.notes.noteFailure(step.instance, null);
}

/** A list that is made while the model of another copy is removed may lack one that is there: what is gone is gone in two of them. */
async function find(instance: string, parts: Parts, { signal }: StepIo): Promise<Ours | undefined> {
  const look = async (): Promise<Ours | undefined> => oursIn(await parts.client.tags(signal), parts).find(({ id }) => id === instance);
  const found = await look();
  if (found !== undefined) return found;
  await pause(AGAIN_MS, undefined, { signal });
  return look();
}

async function stopOne(step: StepOf<'stop'>, found: Ours, parts: Parts, io: StepIo): Promise<void> {
  const { client, notes } = parts;
  const store = await readStore(parts, io.signal);
  const shown = await showTag(found.tag, parts, io.signal);
  const user = shown && (await userOfRunner(found, shown, store, parts, io.signal));
  if (user === 'own') await unload(step, found, shown, parts, io);
  else if (user?.row) await stopAskingToStay(user.row, parts, io);
  for (const alias of store.tags) {
    const leadsHere = alias.digest === found.tag.digest && fullName(alias.name) === fullName(step.model);
    if (leadsHere) await client.remove(alias.name, io.signal);
  }
  if (shown?.blob) notes.noteBlob(found.tag.digest, shown.blob);
  await client.remove(found.tag.name, io.signal);
}

async function unload(step: StepOf<'stop'>, { tag }: Ours, shown: Shown | null, parts: Parts, io: StepIo): Promise<void> {
  try {
    await parts.client.unload(tag.name, io.signal);
    await awaitUnloaded(tag.digest, shown, parts, io);
  } catch (error) {
    if (problemOf(error).code !== 'cancelled') throw error;
    throw new ProblemError(
      {
        code: 'requests-in-flight',
        summary: `${step.model} (${step.instance}) still works on requests, and Ollama cuts none. It goes out of memory when they are done; its model was left.`,
        fix: 'Run the same command again later, or end the clients first.',
      },
      error,
    );
  }
}

function changed(step: StepOf<'stop'>, how: string): ProblemError {
  return new ProblemError({
    code: 'instance-changed',
    summary: `${step.model} (${step.instance}) is not what the plan saw: ${how}. Nothing was stopped.`,
    fix: 'Run `llmops plan` again.',
  });
}
