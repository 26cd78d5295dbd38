/** An answer with status 401 or 403. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Who gave it, after all redirects. */
  readonly host: string;
}

/**
 * How a server that asks who is there is answered. What lets us in is found when it is asked for, and only then; it is told
 * to nobody else.
 */
export interface Login {
  /** What requests carry so far; empty until the server asks. Holds a secret. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Takes a refusal in; `tries`: how often this request was answered already. True: `headers` are others now, ask again.
   * Throws a ProblemError if whoever has to be asked for that does not answer, and `cancelled`.
   */
  answer(refusal: Refusal, tries: number, signal: AbortSignal): Promise<boolean>;
  /** Why the refusal of this host stands, as a sentence that names where a login was looked for, and what to do about it. */
  told(host: string): { readonly why: string; readonly fix: string };
  /** A stranger's words without what was sent to the server. */
  conceal(text: string): string;
}

/** How answers of one client are looked at and thrown away. */
export interface Handling<T> {
  refusal(answer: T): Refusal;
  discard(answer: T): void;
}

/** Sends a request, and again as long as a login has another answer to a refusal. Gives the last answer, unread. */
export async function lettingIn<T>(
  login: Login | undefined,
  send: (headers: Login['headers']) => Promise<T>,
  { refusal, discard }: Handling<T>,
  signal: AbortSignal,
): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const answer = await send(login?.headers ?? {});
    const seen = refusal(answer);
    if (login === undefined || (seen.status !== 401 && seen.status !== 403)) return answer;
    const again = await login.answer(seen, tries, signal).catch((error: unknown) => {
      discard(answer);
      throw error;
    });
    if (!again) return answer;
    discard(answer);
  }
}
