import { resolve } from 'node:path';
import type { DaemonPicture } from '../../domain/daemon-picture.ts';
import { releaseOf } from '../../stack/release.ts';
import { attachedPaths, sessionOfRevision } from '../../stack/revision-session.ts';
import type { Session } from '../../stack/session.ts';
import { readEvents } from '../../state/index.ts';
import type { CliContext, StackFlags } from '../context.ts';
import { sourceFor } from '../up-source.ts';

/** A release that a daemon works towards, or would. */
export interface Declared {
  readonly release: string;
  readonly commit: string | null;
}

/**
 * What a daemon works towards unless it is held: the one that runs says it. Where none runs, the next one begins with the file as
 * it is now; of a branch, which may be out of reach, with what was followed last, or newer. null: not known.
 */
export async function declaredNow(
  now: Session,
  picture: DaemonPicture | null,
  context: CliContext,
  flags: StackFlags,
): Promise<Declared | null> {
  if (picture !== null) return picture.newest;
  if (now.desired.daemon?.git) return lastFollowed(now.stateDir);
  return ofFile(now, context, flags).catch(() => null); // a file that is not valid is not applied either
}

async function ofFile(now: Session, context: CliContext, flags: StackFlags): Promise<Declared | null> {
  const source = await sourceFor(now, context);
  const open = async (): Promise<Session | null> => {
    const look = await source.look(context.signal);
    return look.kind === 'found' ? { ...(await sessionOfRevision(look.revision, context, flags)), stateDir: now.stateDir } : null;
  };
  const first = await open();
  if (first === null) return null;
  const files = attachedPaths(first.desired, first.backends).map((path) => resolve(first.paths.baseDir, path));
  const session = source.follow?.(files) ? await open() : first;
  return session && { release: releaseOf(session), commit: null };
}

async function lastFollowed(stateDir: string): Promise<Declared | null> {
  const events = (await readEvents(stateDir, Infinity)) as readonly { readonly type?: string; readonly [key: string]: unknown }[];
  const last = events.findLast(({ type, revision }) => type === 'revision.found' && typeof revision === 'string');
  return last === undefined ? null : { release: last['revision'] as string, commit: (last['commit'] ?? null) as string | null };
}
