import type { Net } from './context.ts';
import { cutOff, garbled, networkProblem, quoted } from './failures.ts';
import { ask } from './http.ts';
import type { Reply } from './http.ts';
import { isPage, passingStatus, retrying } from './retry.ts';

/** A whole small answer. */
export interface Answer extends Pick<Reply, 'status' | 'headers' | 'url'> {
  readonly bytes: Buffer;
}

/** Of an answer that tells of an error, no more is read. */
const MOST_ERROR_BYTES = 64 * 1024;

/**
 * Asks for something small, again where it fails in passing. Gives every answer below 500 but 408, 425 and 429. Throws a
 * ProblemError: `source-*`, among them `source-garbled` for more than `most` bytes, or `cancelled`.
 */
export async function askSmall(url: string, headers: Readonly<Record<string, string>>, most: number, net: Net): Promise<Answer> {
  return await retrying(net, async () => {
    const reply = await ask(url, headers, net);
    const bytes = reply.status < 400 ? await readAll(reply, most, net) : await readSome(reply, MOST_ERROR_BYTES, net);
    const passing = passingStatus(reply, bytes.toString('utf8'));
    if (passing !== null) throw passing;
    return { status: reply.status, headers: reply.headers, url: reply.url, bytes };
  });
}

/** Up to `most` bytes of an answer; what follows is not read. */
export async function readSome(reply: Reply, most: number, net: Net): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      if ((size += chunk.length) >= most) break;
    }
  } catch (error) {
    throw networkProblem(reply.url, error, net);
  } finally {
    reply.close();
  }
  return Buffer.concat(chunks).subarray(0, most);
}

async function readAll(reply: Reply, most: number, net: Net): Promise<Buffer> {
  const told = Number(reply.headers['content-length'] ?? Number.NaN);
  const tooLarge = (): Error => garbled(reply.url, `answers with more than ${most} bytes, which is more than such an answer can have`);
  if (told > most) {
    reply.close();
    throw tooLarge();
  }
  const bytes = await readSome(reply, most + 1, net);
  if (bytes.length > most) throw tooLarge();
  if (!reply.body.complete || bytes.length < told) throw cutOff(reply.url);
  return bytes;
}

/** What an answer holds, as JSON: an object or a list. Throws a ProblemError `source-garbled`. */
export function jsonOf({ url, bytes }: Answer): object {
  const text = bytes.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object') return value;
  } catch {
    // told below
  }
  throw garbled(url, isPage(text) ? 'answers with a web page instead of JSON' : `does not answer with whole JSON but with ${quoted(text)}`);
}

/** What a server says of its error: `{"error": "…"}`, `{"errors": [{"message": "…"}]}`, or a line of text; empty: nothing. */
export function saidIn({ bytes, headers }: Pick<Answer, 'bytes' | 'headers'>): string {
  const header = headers['x-error-message'];
  if (typeof header === 'string' && header !== '') return header;
  const text = bytes.toString('utf8');
  try {
    const { error, errors } = JSON.parse(text) as { readonly error?: unknown; readonly errors?: readonly { readonly message?: unknown }[] };
    const message = error ?? errors?.[0]?.message;
    return typeof message === 'string' ? message : '';
  } catch {
    return isPage(text) ? '' : text;
  }
}
