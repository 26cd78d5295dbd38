import { garbled, quoted } from './failures.ts';
import type { Reply } from './http.ts';

/** A whole small answer. */
export interface Answer extends Pick<Reply, 'status' | 'headers' | 'url'> {
  readonly bytes: Buffer;
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
export function saidIn({ bytes, headers }: Answer): string {
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

/** True if a text is a web page. */
function isPage(text: string): boolean {
  return /^\s*<(!doctype|html|head|body)/i.test(text);
}
