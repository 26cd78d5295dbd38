import { asSentence, errorsIn, problemOf, type Problem } from '../domain/problem.ts';
import { Reminders } from '../stack/crash-watch.ts';
import { InvalidConfigError } from '../stack/session.ts';
import type { Revision, Source } from '../source/types.ts';
import type { Hands, Release, Telling } from './types.ts';

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
  readonly monotonicMs: () => number;
  /** A release came that is not the one before. */
  readonly onNews: () => void;
}

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
  #seen: string | null = null;
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
    this.#looking = this.#lookUntilCalm(signal).finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #lookUntilCalm(signal: AbortSignal): Promise<void> {
    do {
      this.#again = false;
      await this.#lookOnce(signal);
    } while (this.#again && !signal.aborted);
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
    // The branch may be where it was before the commit that was refused.
    if (look.revision.id !== this.#seen || this.#trouble?.kind === 'refused') await this.#take(look.revision);
  }

  #isAway(problem: Problem): void {
    const { source, tell, monotonicMs } = this.#parts;
    this.#away = { kind: 'unavailable', commit: null, problems: [problem], sinceMs: this.#away?.sinceMs ?? monotonicMs() };
    if (!this.#reminders.isDue('away', `${problem.code} ${problem.summary}`, monotonicMs())) return;
    const message = `${asSentence(problem)} What runs is kept as it is.`;
    tell({ type: 'source.unavailable', source: source.shown, why: problem.summary, message });
  }

  #isRefused(commit: string, problem: Problem): void {
    this.#trouble = { kind: 'refused', commit, problems: [problem], sinceMs: this.#since(commit) }; // a signer may come to be trusted, so it is looked at again
    if (!this.#reminders.isDue('refused', `${commit} ${problem.summary}`, this.#parts.monotonicMs())) return;
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
    return this.#trouble !== null && this.#trouble.commit === commit ? this.#trouble.sinceMs : this.#parts.monotonicMs();
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
      const isMended = this.#trouble !== null;
      this.#trouble = null;
      const isNew = release.id !== this.#release?.id;
      this.#release = release;
      if (isNew || isMended) tell({ type: 'revision.found', revision: release.id, ...words(release) });
      if (isNew) this.#parts.onNews();
    } catch (error) {
      this.#isInvalid(revision, error);
    }
  }

  /** A file that is not valid stays so; what else went wrong is tried again with the next look. */
  #isInvalid({ id, commit }: Revision, error: unknown): void {
    const problems = error instanceof InvalidConfigError ? errorsIn(error.problems) : [problemOf(error)];
    if (error instanceof InvalidConfigError) this.#seen = id;
    this.#trouble = { kind: 'invalid', commit, problems, sinceMs: this.#since(commit) };
    const said = problems.map((problem) => `${problem.code} ${problem.summary}`).join('\n');
    if (!this.#reminders.isDue('invalid', `${id} ${said}`, this.#parts.monotonicMs())) return;
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
