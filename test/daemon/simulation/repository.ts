import type { Revision, Source, SourceLook } from '../../../src/source/types.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';

interface Commit {
  readonly id: string;
  readonly text: string;
  /** False: its signature is not known. */
  readonly isSigned: boolean;
  /** True: the branch was rewritten to it. */
  readonly rewrites: boolean;
}

/** A branch that people push to. */
export class Repository {
  isAvailable = true;
  readonly commits: Commit[] = [];
  readonly #time: VirtualTime;
  readonly #random: Random;

  constructor(time: VirtualTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  get head(): Commit | null {
    return this.commits.at(-1) ?? null;
  }

  push(text: string, { isSigned = true, rewrites = false }: Partial<Commit> = {}): void {
    const id = (this.commits.length + 1).toString(16).padStart(40, 'c0ffee');
    this.commits.push({ id, text, isSigned, rewrites });
  }

  /** The branch as one daemon follows it. */
  source(): Source {
    let last: Commit | null = null;
    const look = async (): Promise<SourceLook> => {
      await this.#time.sleep(this.#random.between(1, 80));
      const { head } = this;
      if (!this.isAvailable || head === null) return { kind: 'unavailable', problem: AWAY };
      if (!head.isSigned) return { kind: 'refused', commit: head.id, problem: UNSIGNED };
      const from = last;
      last = head;
      const isRewritten = from !== null && from !== head && head.rewrites;
      return { kind: 'found', revision: revisionOf(head), ...(isRewritten && { rewritten: { from: from.id, to: head.id } }) };
    };
    return { shown: 'main of sim:', look, watch: () => Promise.resolve({ close: () => Promise.resolve() }) };
  }
}

const AWAY = { severity: 'error', code: 'git-unreachable', summary: 'The remote does not answer.' } as const;
const UNSIGNED = { severity: 'error', code: 'unsigned', summary: 'The commit is not signed.' } as const;

function revisionOf({ id, text }: Commit): Revision {
  const about = { subject: 'told', author: 'Tester <t@example.org>', at: '2026-03-02T10:00:00Z', signer: null };
  return { id, commit: id, about, text: Buffer.from(text), lock: null, read: () => Promise.resolve(null) };
}
