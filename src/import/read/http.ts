import { ProblemError } from '../../domain/problem.ts';

/** How servers are asked. */
export interface Asking {
  /** The source whose server is asked, as people type it: `ollama`. */
  readonly source: string;
  readonly signal: AbortSignal;
  /** For one request, in milliseconds. */
  readonly deadlineMs: number;
  /** A key that the server wants; sent, never shown. */
  readonly key?: string | undefined;
}

/** What a server answered; `body` is null where it is no JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
}

/** Longer answers are none that we asked for. */
const LIMIT = 32 * 1024 * 1024;

/** Asks with GET. Throws `import-unreachable`. */
export function get(base: string, path: string, asking: Asking): Promise<Answer> {
  return ask(base, path, { method: 'GET' }, asking);
}

/** Asks a question that needs a body. It is a question: the callers name the one path for which this holds. */
export function question(base: string, path: '/api/show', body: unknown, asking: Asking): Promise<Answer> {
  return ask(base, path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }, asking);
}

async function ask(base: string, path: string, init: RequestInit, { source, signal, deadlineMs, key }: Asking): Promise<Answer> {
  try {
    const response = await fetch(`${base}${path}`, {
      ...init,
      headers: { ...init.headers, ...(key && { authorization: `Bearer ${key}` }) },
      redirect: 'manual', // a key must not travel on, and a server that sends us elsewhere is not the one that was named
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
    });
    const text = await limited(response);
    return { status: response.status, body: parsed(text), text };
  } catch (error) {
    if (signal.aborted || error instanceof ProblemError) throw error;
    throw unreachable(base, source, reasonOf(error, deadlineMs), error);
  }
}

async function limited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > LIMIT) throw new Error(`an answer of more than ${LIMIT / 2 ** 20} MiB`);
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function reasonOf(error: unknown, deadlineMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${deadlineMs / 1000} s`;
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? code ?? error.message;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no host of that name',
  ECONNRESET: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
};

function unreachable(base: string, source: string, reason: string, cause: unknown): ProblemError {
  return new ProblemError(
    {
      code: 'import-unreachable',
      summary: `${base} does not answer: ${reason}. Nothing was written.`,
      fix: `Start the server, or name its address: llmops import ${source} http://HOST:PORT`,
    },
    cause,
  );
}
