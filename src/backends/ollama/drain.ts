import type { StepIo } from '../../domain/backend.ts';
import type { StepOf } from '../../domain/plan.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import { lookIntoRows, readStore } from './observe.ts';
import { oursIn, runnerOf, showTag, type Parts } from './parts.ts';
import { userOfRunner } from './unload.ts';

const EVERY_MS = 100;

/**
 * Ollama tells no number of requests, and its unload waits for those that it has. So a copy that nobody else uses is told to
 * go as soon as it is idle, and waited for. One whose runner serves others, too, stays in memory: nothing of it is cut when
 * its model is removed.
 */
export async function drainInstance(step: StepOf<'drain'>, parts: Parts, io: StepIo): Promise<void> {
  const until = parts.clock.now() + step.deadlineMs;
  throwIfCancelled(io.signal, `draining ${step.model}`);
  const store = await readStore(parts, io.signal);
  const found = oursIn(store.tags, parts).find(({ id }) => id === step.instance);
  const shown = found === undefined ? null : await showTag(found.tag, parts, io.signal);
  if (found === undefined || shown === null) return;
  const user = await userOfRunner(found, shown, store, parts, io.signal);
  if (user === null) return;
  if (user !== 'own') return io.progress(`not waiting: its runner stays in memory for ${user.other}, and its requests go on`);
  await parts.client.unload(found.tag.name, io.signal);
  io.progress('waiting: Ollama does not tell how many requests it works on; it takes the model out of memory when they are done');
  for (;;) {
    const rows = await parts.client.rows(io.signal);
    await lookIntoRows({ tags: store.tags, rows }, parts, io.signal);
    if (runnerOf(found.tag.digest, shown, rows, parts) === null) return;
    if (parts.clock.now() >= until) return io.progress('not waiting any longer: it still works on requests, and Ollama cuts none');
    await parts.clock.sleep(EVERY_MS, io.signal);
    throwIfCancelled(io.signal, `draining ${step.model}`);
  }
}
