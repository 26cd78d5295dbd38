import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Generation } from '../domain/generation.ts';
import { sessionOfGeneration, type Whereabouts } from './last-session.ts';

/** Files of this machine that a generation took weights from and that are gone: nobody can fetch them. Absolute paths. */
async function goneOf(generation: Generation, where: Whereabouts): Promise<readonly string[]> {
  const then = await sessionOfGeneration(generation, where);
  const files = then?.desired.models.flatMap(({ source }) => (source.kind === 'file' ? [source.path] : [])) ?? [];
  return files.map((path) => resolve(where.paths.baseDir, path)).filter((path) => !existsSync(path));
}

/**
 * True if the weights that a generation took from files of this machine are there, but for what is gone from `now` just as well: that
 * model is blocked here as there. Whether a file is still what it was is for the plan of the way back to see.
 */
export async function hasLocalWeights(generation: Generation, where: Whereabouts, now?: Generation): Promise<boolean> {
  const gone = await goneOf(generation, where);
  if (gone.length === 0 || now === undefined) return gone.length === 0;
  const too = await goneOf(now, where);
  return gone.every((path) => too.includes(path));
}

/** The first of them, in the order given, whose weights are there; null: there is none. `now`: the newest one. */
export async function firstWithWeights(ways: readonly Generation[], where: Whereabouts, now?: Generation): Promise<Generation | null> {
  for (const one of ways) if (await hasLocalWeights(one, where, now)) return one;
  return null;
}
