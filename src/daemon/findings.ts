import type { Problem } from '../domain/problem.ts';
import { Reminders } from '../stack/crash-watch.ts';
import { NOTHING, type Found, type LoopParts } from './loop-parts.ts';
import { modelOf, type Decision, type Paced } from './pace.ts';
import type { Parked } from './gate.ts';
import { tellBusy, tellPaced, tellParked, tellRefused } from './telling.ts';
import type { Telling } from './types.ts';

/** Somebody else's apply is waited for in steps of this. Milliseconds. */
const BUSY_MS = 1000;

/** What they are told with. `stand`: whoever hears of something can ask for it at once. */
type Parts = Pick<LoopParts, 'clock' | 'tell'> & { readonly stand: (found: Partial<Found>) => void };

/** What the rounds of a loop find, and how soon the next one is due. What stays as it is is told again with growing pauses. */
export class Findings {
  readonly #parts: Parts;
  readonly #reminders = new Reminders();
  #found: Found = NOTHING;
  /** In this round: kind of event and model. */
  #told = new Set<string>();
  #nextMs = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** So far in this round. What the one before found counts until it ends: who asks in between must not hear that all is well. */
  get found(): Found {
    return this.#found;
  }

  /** How long to wait for the next round, in milliseconds. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** A round begins. Milliseconds. */
  begin(nextMs: number): void {
    this.#found = NOTHING;
    this.#told = new Set();
    this.#nextMs = nextMs;
  }

  soon(ms: number): void {
    this.#nextMs = Math.max(0, Math.min(this.#nextMs, ms));
  }

  /** `only`: models of which something counts; null: all. */
  decided({ left, asleep, ...decision }: Decision, only: ReadonlySet<string> | null): void {
    const untouched = new Set([...asleep, ...decision.held.map(({ model }) => model)]);
    const waiting = decision.waiting.filter(({ model }) => !untouched.has(model));
    const others = this.#found.waiting.filter(({ model }) => !waiting.some((one) => one.model === model));
    const mine = [...left, ...asleep].filter((model) => only === null || only.has(model));
    const [blocked, held] = [joined(this.#found.blocked, decision.blocked, only), joined(this.#found.held, decision.held, only)];
    this.#found = { ...this.#found, waiting: [...others, ...waiting], left: [...new Set([...this.#found.left, ...mine])], blocked, held };
    // What is due and was not begun waits for somebody: a person, or whoever holds the lease.
    const now = this.#parts.clock.monotonicMs();
    for (const { at } of waiting) if (at > now) this.soon(at - now);
  }

  /** `only`: models of which something is told; null: all. `takenBack`: those whose release is, so that no crash of them is mended. */
  tell(events: readonly Paced[], only: ReadonlySet<string> | null, takenBack: ReadonlySet<string> = new Set()): void {
    for (const event of events) {
      const model = modelOf(event);
      if (only !== null && !only.has(model)) continue;
      this.#told.add(`${event.type} ${model}`);
      this.#parts.tell(tellPaced(event, takenBack.has(model)));
    }
  }

  /** Of what is only kept as it was applied: no drift of it is corrected. What was told on the way to the target is not told again. */
  tellKept(events: readonly Paced[], only: ReadonlySet<string> | null, takenBack: ReadonlySet<string>): void {
    const isFought = (event: Paced): boolean => event.type === 'drift' && this.#found.held.some(({ model }) => model === modelOf(event));
    const news = events.filter((event) => !this.#told.has(`${event.type} ${modelOf(event)}`) && !isFought(event));
    const kept = (event: Paced): Paced => (event.type === 'drift' && event.leftAs === undefined ? { ...event, leftAs: 'kept' } : event);
    this.tell(news.map(kept), only, takenBack);
  }

  busy(holder: string): void {
    this.#tellOnce('busy', holder, tellBusy(holder));
    this.#nextMs = BUSY_MS; // though something is due: nothing can come of it sooner
  }

  /** Somebody else may hold the lease still: that is looked at again soon. */
  maybeBusy(): void {
    this.soon(BUSY_MS);
  }

  notBusy(): void {
    this.#reminders.forget('busy');
  }

  park(parked: Parked, held: ReadonlySet<string>): void {
    this.#found = { ...this.#found, parked, parkedModels: [...held], left: [...new Set([...this.#found.left, ...held])] };
    if (parked.untilMs !== null) this.soon(parked.untilMs - this.#parts.clock.wallMs());
    this.#parts.stand({ parked });
    this.#tellOnce('parked', parked.key, tellParked(parked));
  }

  refuse(revision: string, problems: readonly Problem[]): void {
    this.#found = { ...this.#found, stalled: problems };
    this.#parts.stand({ stalled: problems });
    this.#tellOnce('refused', problems.map(({ code, summary }) => `${code} ${summary}`).join('\n'), tellRefused(revision, problems));
  }

  #tellOnce(key: string, what: string, telling: Telling): void {
    if (this.#reminders.isDue(key, what, this.#parts.clock.monotonicMs())) this.#parts.tell(telling);
  }
}

/** What was found of a model first is about what is declared, and counts. */
function joined<T extends { readonly model?: string }>(
  known: readonly T[],
  more: readonly T[],
  only: ReadonlySet<string> | null,
): readonly T[] {
  const names = new Set(known.map(({ model }) => model));
  return [...known, ...more.filter(({ model = '' }) => (only === null || only.has(model)) && !names.has(model))];
}
