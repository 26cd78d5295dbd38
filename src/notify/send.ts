import { connectionReason, MOST_REDIRECTS, mayRedirect, retryAfter } from '../domain/http.ts';
import type { NotifyClock, Post } from './types.ts';

/**
 * What became of one try. `later`: the next may work; `waitMs`: what was asked for. `refused`: the next would fail the same
 * way. `why` finishes the sentence "HOST ...".
 */
export type Sent =
  | { readonly kind: 'sent' }
  | { readonly kind: 'later'; readonly why: string; readonly waitMs: number | null }
  | { readonly kind: 'refused'; readonly why: string };

/** Statuses below 500 that say nothing of the request itself. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

/** A request that can be sent again as it is. */
export interface Letter {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How a letter is sent. */
export interface Mail {
  readonly post: Post;
  readonly clock: NotifyClock;
  /** A receiver that does not answer within this time is asked again later. Milliseconds. */
  readonly deadlineMs: number;
}

/** Sends it once, follows redirects within its host. Never fails. */
export async function send(letter: Letter, { post, clock, deadlineMs }: Mail, signal: AbortSignal): Promise<Sent> {
  const late = AbortSignal.timeout(deadlineMs);
  try {
    return await follow(letter, post, clock, AbortSignal.any([signal, late]));
  } catch (error) {
    const why = late.aborted ? `did not answer within ${deadlineMs / 1000} s` : reasonOf(error);
    return { kind: 'later', why, waitMs: null };
  }
}

async function follow({ url: first, headers, body }: Letter, post: Post, clock: NotifyClock, signal: AbortSignal): Promise<Sent> {
  let url = first;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
    const answer = await post(url, headers, body, signal);
    if (!isRedirect(answer.status)) return judge(answer.status, retryAfter(answer.retryAfter, clock.now()));
    const next = target(url, answer.location);
    if (next === null) return { kind: 'refused', why: `answers ${answer.status}, which leads to another place` };
    url = next;
  }
  return { kind: 'refused', why: 'leads from one address to the next and never ends' };
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** Where a redirect leads, if it may be followed: an event goes to the host that was named, and no other. */
function target(from: URL, location: string | undefined): URL | null {
  if (location === undefined || !URL.canParse(location, from.href)) return null;
  const to = new URL(location, from);
  return to.host === from.host && mayRedirect(from, to) ? to : null;
}

function judge(status: number, waitMs: number | null): Sent {
  if (status >= 200 && status < 300) return { kind: 'sent' };
  if (status >= 500 || LATER.has(status)) return { kind: 'later', why: `answers ${status}`, waitMs };
  return { kind: 'refused', why: `answers ${status}` };
}

/** The code of an error only: its message can hold the address. */
function reasonOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && /^[A-Z0-9_]+$/.test(code) ? (connectionReason(code) ?? `failed (${code})`) : 'failed';
}
