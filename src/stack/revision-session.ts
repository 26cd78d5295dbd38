import { createHash } from 'node:crypto';
import type { Backend } from '../domain/backend.ts';
import type { Desired } from '../domain/desired.ts';
import type { Attached } from '../domain/kept.ts';
import type { Revision } from '../source/types.ts';
import { keepFile } from '../state/index.ts';
import { cacheDirOf, stackPaths, stateDirOf } from './paths.ts';
import { checkText, environmentOf } from './read-stack.ts';
import { InvalidConfigError, type Session } from './session.ts';
import type { StackPlace, Surroundings } from './surroundings.ts';

/**
 * Opens the stack as one state of its source declares it: text and lock are that state's, whatever lies on disk. Throws an
 * {@link InvalidConfigError} or a ProblemError.
 */
export async function sessionOfRevision(revision: Revision, context: Surroundings, place: StackPlace): Promise<Session> {
  const paths = stackPaths(context, place);
  const kinds = await context.backends();
  const { text, desired, problems } = await checkText(paths, revision.text, environmentOf(context, place));
  if (!desired) throw new InvalidConfigError(problems);
  const stateDir = stateDirOf(context, place, desired.stack);
  const attached = await keepAttached(revision, attachedPaths(desired, kinds), stateDir);
  return {
    paths,
    text,
    desired,
    warnings: problems,
    stateDir,
    cacheDir: cacheDirOf(context),
    backends: kinds,
    lock: revision.lock,
    attached,
    ...(revision.commit === null ? {} : { commit: revision.commit }),
  };
}

/** Files that this state has itself are kept by their content. One that it has not counts as it lies on disk. */
async function keepAttached(revision: Revision, paths: readonly string[], stateDir: string): Promise<Attached> {
  const digests: Record<string, string> = {};
  for (const path of paths) {
    const bytes = await revision.read(path);
    if (bytes === null) continue;
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (await keepFile(stateDir, digest, bytes)) digests[path] = digest;
  }
  return digests;
}

/** Paths, as written, of other files that options of models name: a chat template. */
export function attachedPaths({ models, backends }: Desired, kinds: Readonly<Record<string, Backend>>): readonly string[] {
  const types = new Map(backends.map(({ name, type }) => [name, type]));
  return [...new Set(models.flatMap((model) => Object.values(kinds[types.get(model.backend) ?? '']?.attachments?.(model) ?? {})))];
}
