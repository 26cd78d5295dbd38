import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Generation } from '../domain/generation.ts';
import { sessionOfGeneration, type Whereabouts } from './last-session.ts';

/**
 * True if the weights that a generation took from files of this machine are there. Nobody can fetch a `file:` that is gone; whether it
 * is still what it was is for the plan of the way back to see.
 */
export async function hasLocalWeights(generation: Generation, where: Whereabouts): Promise<boolean> {
  const then = await sessionOfGeneration(generation, where);
  const files = then?.desired.models.flatMap(({ source }) => (source.kind === 'file' ? [source.path] : [])) ?? [];
  return files.every((path) => existsSync(resolve(where.paths.baseDir, path)));
}

/** The first of them, in the order given, whose weights are there; null: there is none. */
export async function firstWithWeights(generations: readonly Generation[], where: Whereabouts): Promise<Generation | null> {
  for (const one of generations) if (await hasLocalWeights(one, where)) return one;
  return null;
}
