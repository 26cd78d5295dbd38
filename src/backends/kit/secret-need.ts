import type { Reference } from '../../secrets/reference.ts';

/** A secret that an option of a model names, and what the engine wants it for. */
export interface SecretNeed {
  /** `options.apiKey` */
  readonly field: string;
  /** For people: `API key`. */
  readonly what: string;
  readonly reference: Reference;
  /** Variable in which the engine's process gets it. */
  readonly variable: string;
}
