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
