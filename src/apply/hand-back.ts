import { problemOf } from '../domain/problem.ts';
import type { Step } from '../domain/plan.ts';
import { driverOf } from './facts.ts';
import type { PutBack } from './put-back.ts';
import type { StepTools } from './tools.ts';
import { performUndo, UNDO_MS, undoing } from './undo.ts';
import type { Left } from './underway.ts';

/**
 * Clients were sent away from a copy that was to end, and it goes on serving after all: they are sent to it again. null: it
 * is not what serves there. Never rejects.
 */
export async function handBack(step: Step, left: Left, tools: StepTools): Promise<PutBack | null> {
  const { instance, backend, specHash } = left;
  try {
    const seen = await driverOf(tools.drivers, backend).look(instance, AbortSignal.timeout(UNDO_MS));
    if (seen?.owner !== 'ours' || seen.phase !== 'serving' || seen.specHash !== specHash) return null;
    const publish = { ...undoing(step, 'hand-back', { id: instance, backend }), op: 'publish' as const };
    const url = await performUndo(publish, `sending clients to ${instance} again`, tools);
    return url === null ? null : { words: `clients are sent to ${instance} again`, restored: { instance, url } };
  } catch (error) {
    return { words: `clients could not be sent to ${instance} again: ${problemOf(error).summary}` };
  }
}
