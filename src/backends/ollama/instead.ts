import type { StepIo } from '../../domain/backend.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError, problemOf } from '../../domain/problem.ts';
import type { OllamaOrigin } from './ask-registry.ts';
import { handOver } from './hand-over.ts';
import { tagName } from './names.ts';
import type { Parts } from './parts.ts';
import { notKept } from './problems.ts';
import { pullFromRegistry } from './registry.ts';
import { hasAll } from './unpullable.ts';

/** Why a pull brings not what was pinned, where fetching the files by their digests may: by the code of its problem. */
const WHY: Readonly<Record<string, (name: string, host: string) => string>> = {
  'tag-moved': (name) => `${name} stands for something else now`,
  'weights-missing': (name) => `there is no ${name} in the registry any more`,
  'registry-no-redirect': (_, host) => `${host} sends files in a way that Ollama does not take`,
};

/**
 * Pulls a tag; where that cannot bring what was pinned, its files are fetched here by their digests and handed over, as those of a
 * registry with a login are. Then tells so: what the tag says beside its weights does not come along.
 */
export async function pullOrHandOver(step: StepOf<'pull'>, origin: OllamaOrigin, parts: Parts, io: StepIo): Promise<string | null> {
  try {
    await pullFromRegistry(step, origin, parts, io);
    return null;
  } catch (error) {
    const why = WHY[problemOf(error).code]?.(tagName(origin), origin.host);
    // Without its adapter it is another model.
    if (why === undefined || step.weights.remote?.beside?.includes('adapter')) throw error;
    io.progress(`${why}; its weights are handed over`);
    await bring(step, origin, error, parts, io);
    const alone = step.weights.remote?.beside?.includes('projector') ? ' It reads text alone.' : '';
    return `${why}: the weights that were pinned were handed over, without template, parameters and system prompt of the tag.${alone}`;
  }
}

/** What the server has under another name is neither fetched nor sent. `cause`: why they are not pulled. */
async function bring({ weights, model }: StepOf<'pull'>, origin: OllamaOrigin, cause: unknown, parts: Parts, io: StepIo): Promise<void> {
  const files = weights.remote?.files ?? [];
  const digests = files.map(({ sha256 }) => sha256);
  if (!(await hasAll(digests, parts, io.signal))) {
    if (io.fetch === undefined) throw cause;
    await io.fetch(origin, files).catch((error: unknown) => {
      const isGone = problemOf(error).code === 'download-not-found';
      throw isGone ? new ProblemError(notKept(model, tagName(origin), origin.host), error) : error;
    });
  }
  await handOver(weights, parts, io);
}
