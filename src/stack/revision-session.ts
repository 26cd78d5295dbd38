import type { Backend } from '../domain/backend.ts';
import type { Desired } from '../domain/desired.ts';
import type { Revision } from '../source/types.ts';
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
  const { text, desired, problems } = await checkText(paths, revision.text, environmentOf(context, place));
  if (!desired) throw new InvalidConfigError(problems);
  return {
    paths,
    text,
    desired,
    warnings: problems,
    stateDir: stateDirOf(context, place, desired.stack),
    cacheDir: cacheDirOf(context),
    backends: await context.backends(),
    lock: revision.lock,
    ...(revision.commit === null ? {} : { commit: revision.commit }),
  };
}

/** Paths, as written, of other files that options of models name: a chat template. */
export function attachedPaths({ models, backends }: Desired, kinds: Readonly<Record<string, Backend>>): readonly string[] {
  const types = new Map(backends.map(({ name, type }) => [name, type]));
  return [...new Set(models.flatMap((model) => Object.values(kinds[types.get(model.backend) ?? '']?.attachments?.(model) ?? {})))];
}
