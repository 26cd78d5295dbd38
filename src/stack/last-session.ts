import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Generation } from '../domain/generation.ts';
import { problemOf } from '../domain/problem.ts';
import { cacheDirOf, pathIn, stackPaths, stateHomeOf, type StackPaths } from './paths.ts';
import { checkText } from './read-stack.ts';
import { InvalidConfigError, type Session } from './session.ts';
import type { StackPlace, Surroundings } from './surroundings.ts';

/** What a file can have that does not keep its models from being looked at and ended. */
const FILE_PROBLEMS = new Set(['no-stack-file', 'no-folder', 'unreadable-stack-file']);

/** True for errors of llmops.yaml itself: it is gone, or not valid. */
export function isOfFile(error: unknown): boolean {
  return error instanceof InvalidConfigError || FILE_PROBLEMS.has(problemOf(error).code);
}

/** A stack as it was applied last. */
export interface LastSession {
  readonly session: Session;
  readonly generation: Generation;
}

/** The newest generation that this version understands; null: none. Does not read the file. */
export async function lastSession(context: Surroundings, flags: StackPlace): Promise<LastSession | null> {
  const paths = stackPaths(context, flags);
  const stateDir = await stateOfFile(context, flags, paths.file);
  if (stateDir === null) return null;
  const { listGenerations } = await import('../state/index.ts');
  for (const generation of await listGenerations(stateDir)) {
    const session = await sessionOfGeneration(generation, { paths, stateDir, context });
    // Another version of llmops may have written it; an older one may then still be understood.
    if (session) return { generation, session };
  }
  return null;
}

/** Where a generation's file and state lie. */
export interface Whereabouts {
  readonly paths: StackPaths;
  readonly stateDir: string;
  readonly context: Surroundings;
}

/** What a stack was declared as: all that is needed to open it again. */
export type Declared = Pick<Generation, 'environment' | 'stack' | 'attached'> & {
  readonly source: Pick<Generation['source'], 'text' | 'lock' | 'commit'>;
};

/** The stack as a generation declared it; null: its text is not understood. */
export async function sessionOfGeneration(generation: Declared, { paths, stateDir, context }: Whereabouts): Promise<Session | null> {
  const { text, desired } = await checkText(paths, Buffer.from(generation.source.text), generation.environment);
  if (!desired) return null;
  const backends = await context.backends();
  // Named as it was, whatever the folder is called now.
  const named = { ...desired, stack: generation.stack };
  const { attached, source } = generation;
  const pinned = source.lock === undefined ? {} : { lock: source.lock === null ? null : Buffer.from(source.lock) };
  const commit = source.commit?.replace(/-dirty$/, '');
  const kept = { ...pinned, ...(attached && { attached }), ...(commit && { commit }) };
  return { ...kept, paths, text, desired: named, warnings: [], stateDir, cacheDir: cacheDirOf(context), backends };
}

/** The state that belongs to a file, found without reading the file, as its stack's name stands in there. `--state-dir` says it outright. */
async function stateOfFile(context: Surroundings, flags: StackPlace, file: string): Promise<string | null> {
  if (flags.stateDir) return pathIn(context, flags, flags.stateDir);
  const home = stateHomeOf(context);
  const { belongsTo } = await import('../state/index.ts');
  for (const folder of (await listed(home)).map((name) => join(home, name)))
    if (await belongsTo(folder, file).catch(() => false)) return folder;
  return null;
}

async function listed(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
