import { asSentence, errorsIn, problemOf, type Problem } from '../domain/problem.ts';
import { Reminders } from '../stack/crash-watch.ts';
import { InvalidConfigError } from '../stack/session.ts';
import type { Revision, Source } from '../source/types.ts';
import type { DaemonClock, Hands, Release, Telling } from './types.ts';

/** Why the newest state of the files is not worked towards. */
export interface Trouble {
  readonly kind: 'invalid' | 'refused' | 'unavailable';
  /** Of the state that it is about; null: not known. */
  readonly commit: string | null;
  readonly problems: readonly Problem[];
  /** Since when, on the clock that does not jump. */
  readonly sinceMs: number;
}

interface Parts {
  readonly source: Source;
  readonly hands: Pick<Hands, 'open'>;
  readonly tell: (event: Telling) => void;
  readonly clock: Pick<DaemonClock, 'monotonicMs' | 'sleep'>;
  /** A release came that is not the one before. */
  readonly onNews: () => void;
}

/**
 * What could not be opened, though its files may be well, is tried again after this long, then after twice that, and so on: the source
 * has no news to tell. Milliseconds.
 */
const AGAIN_MS = 5000;
/** A branch is asked for it, which lies on other people's machines. */
const LONGEST_MS = 300_000;

/**
 * Follows a source: keeps the newest release that may be used, and tells of all that comes. What is invalid, refused or out of
 * reach leaves the release before it where it was.
 */
export class Follower {
  readonly #parts: Parts;
  readonly #reminders = new Reminders();
  #release: Release | null = null;
  /** The source cannot be had. */
  #away: Trouble | null = null;
  /** What came last may not be used. */
  #trouble: Trouble | null = null;
  /** The state that need not be opened once more: it is the release, or its files are not valid. null: whatever comes is opened. */
  #seen: string | null = null;
  #isToRetry = false;
  #againMs = AGAIN_MS;
  #looking: Promise<void> | null = null;
  #again = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The newest one that is valid and allowed; null: none yet. */
  get release(): Release | null {
    return this.#release;
  }

  /** What is wrong with what came after it; null: nothing did, or nothing is. */
  get trouble(): Trouble | null {
    return this.#away ?? this.#trouble;
  }

  /** Looks now. A look that is asked for while one is under way is made after it, once. */
  look(signal: AbortSignal): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return this.#looking;
    }
    this.#looking = this.#lookUntilCalm(signal);
    return this.#looking;
  }

  async #lookUntilCalm(signal: AbortSignal): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.#lookOnce(signal);
      } while (this.#again && !signal.aborted);
    } finally {
      this.#looking = null; // in the same breath as the last question whether to look again, so that none is missed
    }
    if (this.#seen === null && this.#trouble?.kind === 'invalid') void this.#lookLater(signal);
  }

  async #lookLater(signal: AbortSignal): Promise<void> {
    if (this.#isToRetry) return;
    this.#isToRetry = true;
    const ms = this.#againMs;
    this.#againMs = Math.min(2 * ms, LONGEST_MS);
    await this.#parts.clock.sleep(ms, signal);
    this.#isToRetry = false;
    if (!signal.aborted) await this.look(signal);
  }

  async #lookOnce(signal: AbortSignal): Promise<void> {
    const { source, tell } = this.#parts;
    const look = await source.look(signal).catch(() => null); // it was told to end
    if (look === null) return;
    if (look.kind === 'unavailable') return this.#isAway(look.problem);
    this.#reminders.forget('away');
    if (this.#away !== null) {
      this.#away = null;
      tell({ type: 'source.available', source: source.shown, message: `${source.shown} can be read again.` });
    }
    if (look.kind === 'refused') return this.#isRefused(look.commit, look.problem);
    if (look.rewritten) {
      const { from, to } = look.rewritten;
      tell({
        type: 'revision.rewritten',
        from,
        to,
        message: `${source.shown} was rewritten: ${short(to)} does not go on from ${short(from)}.`,
      });
    }
    if (look.revision.id !== this.#seen) await this.#take(look.revision);
  }

  #isAway(problem: Problem): void {
    const { source, tell, clock } = this.#parts;
    this.#away = { kind: 'unavailable', commit: null, problems: [problem], sinceMs: this.#away?.sinceMs ?? clock.monotonicMs() };
    if (!this.#reminders.isDue('away', `${problem.code} ${problem.summary}`, clock.monotonicMs())) return;
    const message = `${asSentence(problem)}${problem.fix === undefined ? '' : ` ${problem.fix.replace(/\.?$/, '.')}`} What runs is kept as it is.`;
    tell({ type: 'source.unavailable', source: source.shown, why: problem.summary, message });
  }

  #isRefused(commit: string, problem: Problem): void {
    this.#seen = null; // the branch may go back to where it was before
    this.#trouble = { kind: 'refused', commit, problems: [problem], sinceMs: this.#since(commit) }; // a signer may come to be trusted, so it is looked at again
    if (!this.#reminders.isDue('refused', `${commit} ${problem.summary}`, this.#parts.clock.monotonicMs())) return;
    this.#parts.tell({
      type: 'revision.refused',
      revision: commit,
      commit,
      why: problem.summary,
      message: `${asSentence(problem)} What was applied before stays.`,
    });
  }

  /** The same trouble goes on from when it began. */
  #since(commit: string | null): number {
    return this.#trouble !== null && this.#trouble.commit === commit ? this.#trouble.sinceMs : this.#parts.clock.monotonicMs();
  }

  async #take(revision: Revision): Promise<void> {
    const { hands, tell, source } = this.#parts;
    try {
      const release = await hands.open(revision);
      if (source.follow?.(release.files)) {
        this.#again = true; // what was opened does not know them yet
        return;
      }
      this.#seen = revision.id;
      this.#againMs = AGAIN_MS;
      const isMended = this.#trouble !== null;
      this.#trouble = null;
      for (const key of ['invalid', 'refused']) this.#reminders.forget(key);
      const isNew = release.id !== this.#release?.id;
      this.#release = release;
      if (isNew || isMended) tell({ type: 'revision.found', revision: release.id, ...words(release) });
      if (isNew) this.#parts.onNews();
    } catch (error) {
      this.#isInvalid(revision, error);
    }
  }

  /** A file that is not valid stays so until it is another; what else went wrong is tried again, also where the files are as they were. */
  #isInvalid({ id, commit }: Revision, error: unknown): void {
    const problems = error instanceof InvalidConfigError ? errorsIn(error.problems) : [problemOf(error)];
    this.#seen = error instanceof InvalidConfigError ? id : null;
    this.#trouble = { kind: 'invalid', commit, problems, sinceMs: this.#since(commit) };
    const said = problems.map((problem) => `${problem.code} ${problem.summary}`).join('\n');
    if (!this.#reminders.isDue('invalid', `${id} ${said}`, this.#parts.clock.monotonicMs())) return;
    const what = commit === null ? 'The file' : `Commit ${short(commit)}`;
    const [first, ...more] = problems;
    const others = more.length === 0 ? '' : ` And ${more.length} more: llmops validate.`;
    const message = `${what} cannot be applied: ${first ? asSentence(first) : ''}${others} What was applied before stays.`;
    this.#parts.tell({ type: 'revision.invalid', revision: id, commit, problems, message });
  }
}

function words({ id, commit, about }: Release): { commit: string | null; subject: string | null; message: string } {
  const subject = about?.subject ?? null;
  const named = commit === null ? `Release ${id}` : `Release ${id}, commit ${short(commit)} "${subject ?? ''}"`;
  return { commit, subject, message: `${named} is followed.` };
}

/** A commit as people say it. */
export function short(commit: string): string {
  return commit.slice(0, 7);
}
