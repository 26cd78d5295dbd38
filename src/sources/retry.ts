import { setTimeout as wait } from 'node:timers/promises';
import { retryAfter } from '../domain/http.ts';
import { saidIn } from './answer.ts';
import type { Answer } from './answer.ts';
import type { Net } from './context.ts';
import { cancelled, quoted, shown, TransientError } from './failures.ts';

/** Does it again after failures that may pass, with longer and longer pauses, and not at all where the server wants longer. */
export async function retrying<T>(net: Net, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TransientError) || attempt >= net.limits.attempts) throw error;
      const pause = error.afterMs ?? net.limits.pauseMs * 2 ** (attempt - 1);
      if (pause > net.limits.longestPauseMs) throw error;
      await wait(pause, undefined, { signal: net.signal }).catch((cause: unknown) => {
        throw cancelled(cause);
      });
    }
  }
}

const PASSING = new Set([408, 425, 500, 502, 503, 504]);

/** The problem behind a status that may be another one soon; null: the status is not of that sort. */
export function passingStatus(answer: Answer, now: number = Date.now()): TransientError | null {
  const { status, headers, url } = answer;
  const after = pauseAsked(headers, now);
  if (status === 429) {
    const summary = `${url.host} is asked too often${after === null ? '' : `, and wants to be left alone for ${Math.ceil(after / 1000)} s`}. Nothing was changed.`;
    return new TransientError(
      { code: 'source-busy', summary, fix: 'Wait, then run the same command again. On the Hub, a token (HF_TOKEN) may ask more often.' },
      after,
    );
  }
  if (!PASSING.has(status)) return null;
  const said = saidIn(answer);
  const summary = `${shown(url)} fails with status ${status}${said === '' ? '' : `: ${quoted(said)}`}. Nothing was changed.`;
  return new TransientError({ code: 'source-failing', summary, fix: 'Run the same command again later.' }, after);
}

/** `Retry-After`, else the `t` of the Hub's `RateLimit: "api";r=0;t=55`. Milliseconds. */
function pauseAsked(headers: Answer['headers'], now: number): number | null {
  const after = retryAfter(headers['retry-after'], now);
  if (after !== null) return after;
  const left = /;\s*t=(\d+)/.exec(String(headers['ratelimit'] ?? ''));
  return left === null ? null : Number(left[1]) * 1000;
}
