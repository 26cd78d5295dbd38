import type { StepIo } from '../../domain/backend.ts';
import { tryClaim } from '../kit/claims.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import { systemProcesses } from '../kit/process-table.ts';
import type { Parts } from './parts.ts';

const EVERY_MS = 25;

/**
 * One at a time in this stack: Ollama writes manifests in place (0.34.4), so that two who make the same model at the same
 * time can tear it. The second one finds the first one's work.
 */
export async function alone<T>(
  what: string,
  parts: Parts,
  io: StepIo,
  work: () => Promise<T>,
  waits = `another llmops is at it: ${what}`,
): Promise<T> {
  for (;;) {
    throwIfCancelled(io.signal, `waiting for another llmops to be done with ${what}`);
    const release = await tryClaim(parts.notes.folder(), what, systemProcesses());
    if (release) {
      try {
        return await work();
      } finally {
        release();
      }
    }
    io.progress(waits);
    await parts.clock.sleep(EVERY_MS, io.signal);
  }
}
