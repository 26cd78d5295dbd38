import type { Drained, StepIo } from '../../domain/backend.ts';
import type { StepOf } from '../../domain/plan.ts';
import { problemOf } from '../../domain/problem.ts';
import { Admitted, type Requests } from './admitted.ts';
import { throwIfCancelled } from './clock.ts';
import { engineOf } from './former.ts';
import { endpointOf, findOne, wordsOf, type Parts } from './parts.ts';

const EVERY_MS = 100;
/**
 * A client may stand between two requests of one conversation, and a request that has come may not be in any list yet: one look proves
 * nothing.
 */
const LOOKS = 3;

/**
 * Waits until an instance has no request in flight, or the deadline has passed. While clients find it there, it waits for the
 * requests that it had at the beginning: one that is never idle would never be drained. Tells what will be cut.
 */
export async function drainInstance(step: StepOf<'drain'>, parts: Parts, io: StepIo): Promise<Drained | null> {
  const until = parts.clock.now() + step.deadlineMs;
  const admitted = new Admitted();
  let [idle, last]: [number, number | null] = [0, null];
  for (let looks = 1; ; looks += 1) {
    throwIfCancelled(io.signal, `draining ${step.model}`);
    const seen = await requestsOf(step.instance, parts, io.signal);
    if (seen === 'gone') return null;
    const all = seen === null ? null : countOf(seen);
    const left = step.open === true && seen !== null ? admitted.left(seen, looks <= LOOKS) : all;
    idle = all === 0 ? idle + 1 : 0;
    if (left !== last && left !== 0)
      io.progress(left === null ? 'waiting: it does not say how many requests it works on' : `waiting for ${counted(left)}`);
    last = left;
    if (idle >= LOOKS) return null;
    if (left === 0 && step.open === true && looks >= LOOKS) return newcomers(all ?? 0);
    if (parts.clock.now() >= until) return late(all);
    await parts.clock.sleep(EVERY_MS, io.signal);
  }
}

/** What it had is done; what came later ends with it. */
function newcomers(requests: number): Drained | null {
  return requests === 0 ? null : { cut: requests, note: `${counted(requests)} that came in meanwhile ${areCut(requests)}` };
}

function late(requests: number | null): Drained {
  if (requests === null) return { cut: null, note: 'deadline passed; it does not say how many requests it works on' };
  return requests === 0
    ? { cut: 0, note: 'deadline passed, no request in flight' }
    : { cut: requests, note: `deadline passed, ${counted(requests)} ${areCut(requests)}` };
}

/** Requests of an instance; `gone`: there is nobody to wait for; null: it does not say. */
async function requestsOf(id: string, parts: Parts, signal: AbortSignal): Promise<Requests | null | 'gone'> {
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
    return await engine.requests(query, AbortSignal.any([signal, AbortSignal.timeout(parts.askMs)]));
  } catch (error) {
    return problemOf(error).code === 'engine-refused' ? 'gone' : null;
  }
}

function countOf({ working, waiting }: Requests): number {
  return working.length + waiting;
}

function counted(requests: number): string {
  return requests === 1 ? '1 request' : `${requests} requests`;
}

function areCut(requests: number): string {
  return requests === 1 ? 'is cut' : 'are cut';
}
