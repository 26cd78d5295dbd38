import type { Problem } from './problem.ts';

/**
 * A secret that an option of a model names, as far as it can be told without showing it. Neither its value nor anything made
 * from its value leaves the code that looked at it.
 */
export interface SecretSight {
  /** The setting that names it: `options.apiKey`. */
  readonly field: string;
  /** Where it comes from: `env:CHAT_KEY`. */
  readonly reference: string;
  /** `held`: it can be had · `missing`: it cannot · `unasked`: only running a command would tell. */
  readonly status: 'held' | 'missing' | 'unasked';
  /** For `missing`: why. */
  readonly problem: Problem | null;
  /** Ids of running copies that were started with this very secret. */
  readonly same: readonly string[];
  /** Ids of running copies that were started with another one. A copy of which nobody can tell is in neither list. */
  readonly other: readonly string[];
}

/**
 * A setting that names a secret: the reference, and how many secrets have been behind it so far: `env:CHAT_KEY`, then
 * `env:CHAT_KEY#2`. So a secret that was exchanged is another setting, and what is on record of it reveals nothing.
 */
export function secretText(reference: string, number: number): string {
  return number === 1 ? reference : `${reference}#${number}`;
}

/** Which secret behind this reference a setting means, counted from 1; null: none of this reference. */
export function secretNumber(setting: unknown, reference: string): number | null {
  if (typeof setting !== 'string' || !setting.startsWith(reference)) return null;
  const rest = setting.slice(reference.length);
  return rest === '' ? 1 : /^#[1-9]\d{0,8}$/.test(rest) ? Number(rest.slice(1)) : null;
}

/** The reference that two settings share if only the secret behind it is another one; null: they differ in more, or in nothing. */
export function exchangedSecret(from: unknown, to: unknown): string | null {
  if (typeof from !== 'string' || typeof to !== 'string' || from === to) return null;
  const reference = to.replace(/#\d+$/, '');
  return secretNumber(from, reference) === null ? null : reference;
}

/** Keys, flags and variables whose value is a secret: it is never copied, and never shown. */
const SECRET_NAME = /(?:key|token|password|passwd|secret|credential|authorization|bearer|auth)s?$/i;

/** True for `api_key`, `--hf-token`, `OPENAI_API_KEY`; false for `--api-key-file`, which names a file. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.replace(/^-+/, '')) || name === '-hft';
}

/** Shapes that tokens of well-known services have, and credentials inside an address. */
const SECRET_SHAPE =
  /\b(?:sk-|hf_|gh[pousr]_|github_pat_|xox[abps]-|glpat-|AKIA|eyJ)[A-Za-z0-9_.-]{6,}|:\/\/[^\s/@'"]+@|bearer\s|[?&][^=&\s]*(?:key|token|secret|password|sig|signature)=|--?[\w-]*(?:key|token|password|secret)[= ]/i;

/** True if a text could be a secret or hold one, whatever its key is called. */
export function looksSecret(text: string): boolean {
  return SECRET_SHAPE.test(text);
}
