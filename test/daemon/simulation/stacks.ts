import type { Desired } from '../../../src/domain/desired.ts';
import type { PolicySpec } from '../../../src/domain/policy.ts';
import { InvalidConfigError, type Session } from '../../../src/stack/session.ts';
import { releaseOf } from '../../../src/stack/release.ts';
import { worldBackend } from '../../world/backend.ts';
import { desiredOf, sha256, type ModelTold } from '../../world/stack.ts';

/** What a commit declares; plain data, as its text is. */
export interface Told {
  readonly models: Readonly<Record<string, ModelTold>>;
  readonly policy?: PolicySpec;
}

export const DIR = '/state';
export const ENGINES = ['east', 'west'] as const;
const REALMS = Object.fromEntries(ENGINES.map((name) => [name, { realm: name }]));

/** A stack as it stands in a text, as the daemon opens it. Throws as a real one does. */
export function sessionOf(text: string): Session {
  const told = toldOf(text);
  const desired: Desired = { ...desiredOf({ models: told.models, backends: REALMS }, 'sim:'), revision: sha256(text) };
  return {
    paths: { file: '/sim/llmops.yaml', shown: 'llmops.yaml', baseDir: '/sim' } as Session['paths'],
    text,
    desired: told.policy === undefined ? desired : { ...desired, policy: told.policy },
    warnings: [],
    stateDir: DIR,
    cacheDir: '/cache',
    backends: { world: worldBackend },
    lock: null,
  };
}

export function toldOf(text: string): Told {
  if (text.startsWith('{')) return JSON.parse(text) as Told;
  throw new InvalidConfigError([{ severity: 'error', code: 'invalid-yaml', summary: 'It does not read.' }]);
}

/** Sessions of texts that were opened before: the same text is the same object, so that plans of it can be remembered. */
export class Sessions {
  readonly #known = new Map<string, Session>();

  of(text: string): Session {
    const session = this.#known.get(text) ?? sessionOf(text);
    this.#known.set(text, session);
    return session;
  }

  releaseOf(text: string): string {
    return releaseOf(this.of(text));
  }
}
