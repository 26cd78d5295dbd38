import type { Login } from '../domain/login.ts';
import type { RemoteFile } from '../domain/weights.ts';

/** How a file of weights is asked for. What lets us in stands in a header and nowhere else. */
export interface WeightsRequest {
  readonly url: string;
  /** Sent to the host of `url` only: a redirect to another host goes without `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The variable that would let us in where 401 or 403 is answered; null: there is none for this kind of source. */
  readonly tokenHint: 'HF_TOKEN' | null;
  /** Answers the server if it asks who is there. Absent: everything that lets us in stands in `headers`. */
  readonly login?: Login;
}

/** How long and how often the network is asked. Milliseconds. */
export interface Limits {
  /** Longest silence of a connection, its making included. */
  readonly idleMs: number;
  /** Longest time for one answer, its body included. */
  readonly answerMs: number;
  /** How often one thing is asked for before it counts as failed. */
  readonly attempts: number;
  /** Pause before the second attempt; each further one is twice as long. */
  readonly pauseMs: number;
  /** A server that says `Retry-After` is waited for up to this long. */
  readonly longestPauseMs: number;
}

export const LIMITS: Limits = { idleMs: 30_000, answerMs: 120_000, attempts: 4, pauseMs: 500, longestPauseMs: 60_000 };

/** Fetches a file whose digest nobody knows, keeps it, and tells what it was and where it lies now. */
export type FetchUnknown = (name: string, request: WeightsRequest) => Promise<RemoteFile & { readonly localPath: string }>;

/** What resolving a source needs of the world. */
export interface ResolveContext {
  /** `HF_TOKEN`, `HF_ENDPOINT` and their like. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Ollama registries, `HOST` or `HOST:PORT`, that are asked over plain HTTP, besides this machine. */
  readonly insecureRegistries: readonly string[];
  readonly fetchUnknown: FetchUnknown;
  /** Absent: {@link LIMITS}. */
  readonly limits?: Limits;
}

/** What every exchange over the network needs. */
export interface Net {
  /** Names proxies. */
  readonly env: ResolveContext['env'];
  readonly signal: AbortSignal;
  readonly limits: Limits;
}

/** The part of a context that exchanges need. */
export function netOf({ env, signal, limits = LIMITS }: Pick<ResolveContext, 'env' | 'signal' | 'limits'>): Net {
  return { env, signal, limits };
}
