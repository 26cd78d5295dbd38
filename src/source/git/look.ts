import { problemOf, type Problem } from '../../domain/problem.ts';
import type { Revision, Rewritten, SourceLook } from '../types.ts';
import { headOf, unavailable } from './branch.ts';
import type { Follow, Followed } from './follow.ts';
import type { Git } from './git.ts';
import { FetchFailed, makeFolder, MirrorDamaged, type Mirror } from './mirror.ts';
import type { Remote } from './remote.ts';
import type { SeenNote } from './seen.ts';
import { revisionOf, type Stack } from './revision.ts';
import type { Judge } from './signature.ts';
import { short, type ReadFile } from './tree.ts';

/** All that a look at a branch needs. */
export interface Looking {
  readonly git: Git;
  readonly remote: Remote;
  readonly branch: string;
  readonly mirrorDir: string;
  readonly mirror: Mirror;
  readonly follow: Follow;
  readonly judge: Judge;
  readonly readFile: ReadFile;
  readonly stack: Stack;
  readonly requireFastForward: boolean;
  readonly note: SeenNote;
}

type Read = Awaited<ReturnType<typeof revisionOf>>;

/** What is remembered from one look to the next. */
interface Memory {
  /** The commit that was last found good, also by an earlier process. */
  seen: string | null;
  /** What was read of it. */
  read: Read | null;
}

/** Looks at the branch, one look at a time; see {@link Source}. `seen`: the commit that an earlier process saw last. */
export function looker(looking: Looking, seen: string | null): (signal: AbortSignal) => Promise<SourceLook> {
  const memory: Memory = { seen, read: null };
  let last: Promise<unknown> = Promise.resolve();
  return (signal) => {
    const turn = last.then(() => safeLook(looking, memory, signal));
    last = turn.catch(() => undefined);
    return unlessAborted(turn, signal);
  };
}

/** Nobody who gave up waits for the look of another one. */
async function unlessAborted<T>(turn: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([turn, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function safeLook(looking: Looking, memory: Memory, signal: AbortSignal): Promise<SourceLook> {
  try {
    signal.throwIfAborted();
    return await look(looking, memory, signal);
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'unavailable', problem: problemFor(error, looking) };
  }
}

function problemFor(error: unknown, { remote, mirrorDir }: Looking): Problem {
  if (error instanceof FetchFailed || error instanceof MirrorDamaged) return unavailable(remote, error.message).problem;
  const code = (error as NodeJS.ErrnoException).code;
  if (!(error instanceof Error) || !('syscall' in error) || code === undefined) return problemOf(error);
  return {
    severity: 'error',
    code: 'git-mirror-unwritable',
    summary: `The mirror of ${remote.shown} in ${mirrorDir} cannot be written (${code}).`,
    fix: 'See that the folder of the state is on a disk with room, and belongs to the person who runs llmops.',
  };
}

async function look(looking: Looking, memory: Memory, signal: AbortSignal): Promise<SourceLook> {
  await makeFolder(looking.mirrorDir);
  const wanted = await headOf(looking.git, looking.remote, looking.branch, signal);
  try {
    return await settle(looking, memory, wanted, signal);
  } catch (error) {
    if (!(error instanceof MirrorDamaged)) throw error;
    // Once: a new mirror that cannot be read either is not the fault of the old one.
    await looking.mirror.renew(1, wanted.length, signal);
    return await settle(looking, memory, wanted, signal);
  }
}

async function settle(looking: Looking, memory: Memory, wanted: string, signal: AbortSignal): Promise<SourceLook> {
  const { head, rewritten } = await looking.follow(wanted, memory.seen, signal);
  const verdict = await looking.judge(head, signal);
  if ('problem' in verdict) return { kind: 'refused', commit: head, problem: verdict.problem };
  if (rewritten && looking.requireFastForward) return { kind: 'refused', commit: head, problem: notForward(rewritten, looking.stack) };
  const read = memory.read?.id === head ? memory.read : await revisionOf(looking.mirror, looking.readFile, looking.stack, head, signal);
  if (head !== memory.seen) await looking.note.write(head);
  Object.assign(memory, { seen: head, read });
  return found(read, verdict.signer, rewritten);
}

function found({ words, ...read }: Read, signer: string | null, rewritten: Followed['rewritten']): SourceLook {
  const revision: Revision = { ...read, about: { ...words, signer } };
  return { kind: 'found', revision, ...(rewritten && { rewritten }) };
}

function notForward({ from, to }: Rewritten, { shown }: Stack): Problem {
  return {
    severity: 'error',
    code: 'git-not-fast-forward',
    summary: `${shown} was rewritten: commit ${short(to)} does not go on from ${short(from)}, which was seen last, so it is not used.`,
    fix: `Push a commit that goes on from ${short(from)}, or allow rewriting by taking fast-forward out of what is required.`,
  };
}
