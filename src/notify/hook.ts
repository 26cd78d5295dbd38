import type { NotifySpec } from '../domain/daemon.ts';
import { isMeant, type DaemonEvent } from '../domain/daemon-event.ts';
import { ProblemError, type Problem } from '../domain/problem.ts';
import { bodyOf } from './body.ts';
import { createDedup } from './dedup.ts';
import { patience } from './pause.ts';
import { send, type Mail, type Sent } from './send.ts';
import type { NotifierOptions } from './types.ts';
import { clause } from '../domain/text.ts';

/** Events that wait for one receiver. Beyond that the oldest is lost: what happens now is of more use than what happened then. */
const LONGEST_QUEUE = 200;
/** An event that is older than this is of no use to who is woken by it, if the receiver still fails. */
const GIVE_UP_MS = 3_600_000;

/** An event that is on its way to one receiver. */
interface Waiting {
  readonly id: string;
  readonly event: DaemonEvent;
  /** As it was when it was told. */
  readonly text: string;
  readonly since: number;
  /** Like it, and left out before it. */
  readonly same: number;
}

/** What all hooks of a notifier share. */
export interface Shared extends Mail, Pick<NotifierOptions, 'resolveSecret' | 'log'> {
  readonly userAgent: string;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** One receiver: its queue, and what is known of it. */
export class Hook {
  readonly #spec: NotifySpec;
  readonly #name: string;
  readonly #shared: Shared;
  readonly #dedup;
  readonly #queue: Waiting[] = [];
  readonly #said = new Set<string>();
  #url: URL | null = null;
  #lost = 0;
  #failures = 0;
  #work: Promise<void> | null = null;

  /** `name`: as it stands in llmops.yaml, `daemon.notify.0`. */
  constructor(spec: NotifySpec, name: string, shared: Shared) {
    this.#spec = spec;
    this.#name = name;
    this.#shared = shared;
    this.#dedup = createDedup(spec.minIntervalMs);
  }

  /** Queues it, if this receiver wants it and has not just heard the same. */
  tell(event: DaemonEvent, id: string, text: string): void {
    if (!isMeant(event, this.#spec.on)) return;
    const since = this.#shared.clock.monotonicMs();
    const same = this.#dedup.admit(event, since);
    if (same === null) return;
    this.#queue.push({ id, event, text, since, same });
    if (this.#queue.length > LONGEST_QUEUE) this.#lose(this.#queue.shift()!);
    this.#work ??= this.#deliver();
  }

  /** Ends when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#work !== null) await this.#work;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#queue.length = 0;
  }

  async #deliver(): Promise<void> {
    await Promise.resolve(); // whoever tells does not wait for the first request to be made
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) await this.#carry(next);
    this.#work = null; // at once, so that nothing is queued in between that nobody carries
  }

  /** One event, until it is sent, refused or too old. */
  async #carry(waiting: Waiting): Promise<void> {
    const { clock, random, signal } = this.#shared;
    while (!signal.aborted) {
      const sent = await this.#try(waiting);
      if (signal.aborted) return;
      if (sent.kind === 'sent') return this.#arrived();
      const isOld = clock.monotonicMs() - waiting.since >= GIVE_UP_MS;
      this.#say(sent, isOld);
      if (sent.kind === 'refused') this.#url = null; // a new address may have been put where the old one was
      else this.#failures += 1;
      if (sent.kind === 'refused' || isOld) this.#lose(waiting);
      if (sent.kind === 'later') await clock.pause(patience(this.#failures, sent.waitMs, random()), signal);
      if (sent.kind === 'refused' || isOld) return;
    }
  }

  async #try(waiting: Waiting): Promise<Sent> {
    const { userAgent, signal } = this.#shared;
    const url = await this.#address();
    if (!(url instanceof URL)) return url;
    const body = bodyOf(this.#spec.format, waiting.text, { same: waiting.same, lost: this.#lost });
    const headers = {
      'content-type': 'application/json',
      'user-agent': userAgent,
      'idempotency-key': waiting.id,
      'x-llmops-event-id': waiting.id,
    };
    return send({ url, headers, body }, this.#shared, signal);
  }

  async #address(): Promise<URL | Sent> {
    if (this.#url !== null) return this.#url;
    const { url: from } = this.#spec;
    try {
      const text = 'text' in from ? from.text : await this.#shared.resolveSecret(from);
      if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
        return { kind: 'refused', why: 'has no address that begins with http:// or https://' };
      return (this.#url = new URL(text));
    } catch (error) {
      // The words of a problem are free of secrets; those of any other error need not be.
      const more = error instanceof ProblemError ? `: ${clause(error.problem.summary)}` : '';
      return { kind: 'later', why: `has an address that cannot be had now${more}`, waitMs: null };
    }
  }

  #arrived(): void {
    this.#lost = 0;
    this.#failures = 0;
    this.#said.clear();
  }

  #lose({ event }: Waiting): void {
    this.#lost += 1;
    this.#dedup.forget(event);
  }

  /** Each cause once, until something arrives. */
  #say({ kind, why }: Exclude<Sent, { readonly kind: 'sent' }>, isOld: boolean): void {
    const isLost = kind === 'refused' || isOld;
    const cause = `${String(isLost)} ${why}`;
    if (this.#said.has(cause)) return;
    this.#said.add(cause);
    this.#shared.log(this.#problem(why, isLost));
  }

  #problem(why: string, isLost: boolean): Problem {
    // Of an address nothing but its host: the rest is what lets people in.
    const who = `The webhook ${this.#name}${this.#url === null ? '' : ` at ${this.#url.host}`} ${why}`;
    return {
      severity: 'warning',
      code: isLost ? 'notify-failed' : 'notify-late',
      summary: isLost ? `${who}; what it should have been told is lost.` : `${who}; it is tried again for an hour.`,
      fix: `See whether \`${this.#name}.url\` leads to the right address, and whether something listens there.`,
    };
  }
}
