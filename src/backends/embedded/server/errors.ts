/** An answer that is not 200: status, and the body's `error` object in OpenAI's shape. */
export class HttpError extends Error {
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  /** Members that this type of error carries besides the usual ones. */
  readonly extra: Readonly<Record<string, number>>;

  constructor(status: number, type: string, message: string, param: string | null = null, extra: Readonly<Record<string, number>> = {}) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
    this.type = type;
    this.param = param;
    this.extra = extra;
  }
}

/** The client's mistake, in the member named `param`. */
export function badRequest(message: string, param: string | null = null): HttpError {
  return new HttpError(400, 'invalid_request_error', message, param);
}

/** The prompt does not fit: llama-server's words and members, which clients look for. `atLeast`: it was not counted to its end. */
export function tooLong(promptTokens: number, contextTokens: number, atLeast = false): HttpError {
  const message = `request (${atLeast ? 'at least ' : ''}${promptTokens} tokens) exceeds the available context size (${contextTokens} tokens), try increasing it`;
  return new HttpError(400, 'exceed_context_size_error', message, null, { n_prompt_tokens: promptTokens, n_ctx: contextTokens });
}

/** The body of an error answer: `{"error": {...}}`. Anything that is no {@link HttpError} is a fault of ours: 500. */
export function errorBody(error: unknown): { readonly error: Readonly<Record<string, unknown>> } {
  const known =
    error instanceof HttpError ? error : new HttpError(500, 'server_error', error instanceof Error ? error.message : String(error));
  return { error: { code: known.status, message: known.message, type: known.type, param: known.param, ...known.extra } };
}
