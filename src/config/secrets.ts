import type { Span } from './located.ts';

/** Parts of the text that must never be shown, in the order of the text. */
export type SecretRanges = readonly Span[];

export const MASK = '***';

const SECRET_KEY = /(keys?|tokens?|passwords?|passwd|secrets?|authorization|credentials?|bearer)$/i;

/** True for a key whose value is a secret wherever it stands. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key);
}

/** A reference to an environment variable tells a name, not a secret. */
export function isReference(key: string, value: string): boolean {
  return key === 'env' && /^[A-Z][A-Z0-9_]{0,63}$/.test(value);
}

/** Flags of engines that take a secret and do not say so: `-hft` is llama-server's `--hf-token`; a description of MCP servers holds their keys. */
const SECRET_FLAGS = /^(-hft|--mcp-servers-json)(=|$)/;

/** True for a flag such as `--api-key`, with or without `=value`. */
export function isSecretFlag(word: string): boolean {
  if (SECRET_FLAGS.test(word)) return true;
  return /^--?[\w-]*(key|token|password|secret)s?(=|$)/i.test(word) && !/-file(=|$)/.test(word);
}

const TOKEN = /\b(?:sk-|hf_|gh[pousr]_|github_pat_|xox[abps]-|glpat-|AKIA)[A-Za-z0-9_-]{6,}/;

/** True for a word of a command line that holds a secret itself: a well-known token, or JSON with a secret in it, also behind `flag=`. */
export function isSecretWord(word: string): boolean {
  if (TOKEN.test(word)) return true;
  const json = /^(?:-[^=\s]*=)?\s*([[{].*)$/s.exec(word)?.[1];
  if (json === undefined) return false;
  try {
    return holdsSecret(JSON.parse(json));
  } catch {
    return /(?:env|headers)["']?\s{0,9}:\s{0,9}\{/i.test(json); // nested too deeply, or no JSON
  }
}

/** Texts under a secret's key; environments and headers of other programs are there for nothing else. `<|im_end|>` under `eos_token` is none. */
function holdsSecret(value: unknown, key = ''): boolean {
  if (typeof value === 'string') return value !== '' && isSecretKey(key) && !/^<.*>$/.test(value);
  if (value === null || typeof value !== 'object') return false;
  const entries = Object.entries(value);
  if (/^(env|headers)$/i.test(key) && entries.some(([, inner]) => typeof inner === 'string' && inner !== '')) return true;
  return entries.some(([name, inner]) => holdsSecret(inner, Array.isArray(value) ? key : name));
}

/** An address with a user and a password, or a token in their place. `ssh://git@host` names a user, and no more. */
const CREDENTIALS = /\bhttps?:\/\/[^/?#\s@"']+@|\b[a-z][a-z0-9+.-]{0,30}:\/\/[^/?#\s@:"']*:[^/?#\s@"']+@/i;

/** True for a text with an address in it that lets whoever reads it in. */
export function holdsCredentials(text: string): boolean {
  return CREDENTIALS.test(text);
}

/** Addresses of webhooks whose path is all that it takes to write there. */
const WEBHOOK =
  /\bhttps?:\/\/(?:hooks\.slack\.com|(?:[\w-]+\.)?discord(?:app)?\.com\/api|[\w.-]+\.webhook\.office\.com|[\w.-]+\.logic\.azure\.com|chat\.googleapis\.com|api\.telegram\.org)(?=\/)/i;

/** True for the address of a webhook that lets whoever knows it in: of a well-known service, with a query, or with a part that nobody makes up. */
export function isSecretHook(url: string): boolean {
  if (WEBHOOK.test(url) || url.includes('?')) return true;
  const [, path = ''] = /^https?:\/\/[^/?#]*(.*)$/i.exec(url) ?? [];
  return path.split('/').some((part) => part.length > 32 || /^(?=.*\d)(?=.*[a-z])[\w-]{12,}$/i.test(part));
}

/** The keys of an entry of `daemon.notify` that hold no address. */
const PLAIN_KEYS: ReadonlySet<string> = new Set(['format', 'on', 'minInterval']);

/** True for what stands below `daemon.notify` and is, or was meant as, the address of a webhook. */
export function isHookPath(path: readonly string[]): boolean {
  const at = path.indexOf('notify');
  return at > 0 && path[at - 1] === 'daemon' && !PLAIN_KEYS.has(path[at + 2] ?? '');
}

const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/:\/\/[^\s/@'"]+@/g, `://${MASK}@`], // https://user:password@host
  [/([?&][^=&\s]*(?:key|token|secret|password|sig|signature)=)[^&\s'"]+/gi, `$1${MASK}`],
  [/((?:--?[\w-]*(?:key|token|password|secret)|-hft)[= ]+)[^\s'",\]]+/gi, `$1${MASK}`],
  [new RegExp(TOKEN, 'g'), MASK],
  [new RegExp(`(${WEBHOOK.source})[^\\s'"]*`, 'gi'), `$1/${MASK}`],
];

/** Text without what looks like a secret on its own: credentials in addresses, well-known token shapes. */
export function scrub(text: string): string {
  return SHAPES.reduce((result, [shape, replacement]) => result.replace(shape, replacement), text);
}

const KEY_IN_LINE = /(?:keys?|tokens?|passwords?|passwd|secrets?|authorization|credentials?|bearer)["']?\s*[:=]\s*/i;

/** For lines that could not be parsed: everything after a secret's key is masked. */
export function scrubLine(line: string): string {
  const key = KEY_IN_LINE.exec(line);
  return scrub(key ? `${line.slice(0, key.index + key[0].length)}${MASK}` : line);
}

/** True if what is indented below this line may be a secret. */
export function isSecretLine(line: string): boolean {
  return KEY_IN_LINE.test(line);
}

/** The rest of a line; a secret that was commented out is one still. */
export function scrubComment(rest: string): string {
  const comment = rest.indexOf('#');
  return comment === -1 ? scrub(rest) : scrub(rest.slice(0, comment)) + scrubLine(rest.slice(comment));
}
