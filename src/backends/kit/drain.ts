import type { StepIo } from '../../domain/backend.ts';
import type { StepOf } from '../../domain/plan.ts';
import { problemOf } from '../../domain/problem.ts';
import { throwIfCancelled } from './clock.ts';
import { engineOf } from './former.ts';
import { endpointOf, findOne, wordsOf, type Parts } from './parts.ts';

const EVERY_MS = 100;
/** A client may stand between two requests of one conversation: one idle look proves nothing. */
const IDLE_LOOKS = 3;

/** Waits until an instance has no request in flight, or the deadline has passed; then says how many are cut. */
export async function drainInstance(step: StepOf<'drain'>, parts: Parts, io: StepIo): Promise<void> {
  const until = parts.clock.now() + step.deadlineMs;
  let idle = 0;
  let last: number | null = null;
  while (idle < IDLE_LOOKS) {
    throwIfCancelled(io.signal, `draining ${step.model}`);
    const active = await countActive(step.instance, parts, io.signal);
    if (active === 'gone') return;
    idle = active === 0 ? idle + 1 : 0;
    if (active !== last && active !== 0)
      io.progress(active === null ? 'waiting: it does not say how many requests it works on' : `waiting for ${count(active)}`);
    last = active;
    if (idle >= IDLE_LOOKS) return;
    if (parts.clock.now() >= until)
      return io.progress(active === null ? 'not waiting any longer' : `not waiting any longer: ${count(active)} will be cut`);
    await parts.clock.sleep(EVERY_MS, io.signal);
  }
}

/** Requests in flight; `gone`: there is nobody to wait for; null: it does not say. */
async function countActive(id: string, parts: Parts, signal: AbortSignal): Promise<number | null | 'gone'> {
  const found = await findOne(id, parts);
  if (!found?.leader) return 'gone';
  const words = wordsOf(found.leader);
  const engine = engineOf(found.marker, parts);
  const query = {
    endpoint: endpointOf(found.marker.port),
    logFile: null,
    configured: engine.configured(words),
    args: words.args,
    headers: engine.headers?.(words) ?? {},
  };
  try {
    return (await engine.loaded(query, AbortSignal.any([signal, AbortSignal.timeout(parts.askMs)]))).activeRequests;
  } catch (error) {
    return problemOf(error).code === 'engine-refused' ? 'gone' : null;
  }
}

function count(requests: number): string {
  return requests === 1 ? '1 request' : `${requests} requests`;
}
