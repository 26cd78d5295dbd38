import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical.ts';
import type { Metadata } from './facts.ts';

const CHAT_TEMPLATE = 'tokenizer.chat_template';
const TOKENIZER = 'tokenizer.ggml.';

/** What of a header shapes prompts and tokens, hashed, so that a republished file that differs in it is noticed. */
export interface Fingerprints {
  /** SHA-256 (hex) over the text of `tokenizer.chat_template`, UTF-8; null: there is none. */
  readonly chatTemplate: string | null;
  /**
   * SHA-256 (hex) over the canonical JSON (sorted keys, no spaces) of one object: every key of the header that begins with
   * `tokenizer.ggml.`, among them the vocabulary, scores, merges, special tokens and `add_bos_token`; whole numbers of 64
   * bits are decimal texts there. null: there is none.
   */
  readonly tokenizer: string | null;
}

/** The fingerprints of a header's metadata; of a split model, of its first part. Pure. */
export function fingerprintsOf(metadata: Metadata): Fingerprints {
  const template = metadata[CHAT_TEMPLATE];
  const tokenizer = Object.entries(metadata).filter(([key]) => key.startsWith(TOKENIZER));
  return {
    chatTemplate: typeof template === 'string' && template !== '' ? sha256(template) : null,
    tokenizer:
      tokenizer.length === 0 ? null : sha256(canonicalJson(Object.fromEntries(tokenizer.map(([key, value]) => [key, plain(value)])))),
  };
}

/** JSON has no whole numbers of 64 bits. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return Array.isArray(value) && (typeof value[0] === 'bigint' || Array.isArray(value[0])) ? value.map(plain) : value;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
