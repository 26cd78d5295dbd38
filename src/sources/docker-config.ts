import { readFileSync } from 'node:fs';
import path from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** User and password for a registry, as Docker keeps them. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Where they stand: `DOCKER_AUTH_CONFIG`, or the path of a file. */
  readonly place: string;
}

/** What came of the search. */
export interface Sought {
  /** null: there are none. */
  readonly credentials: Credentials | null;
  /** For each place that was looked at in vain, why: `DOCKER_AUTH_CONFIG is not set`. Holds no secret. */
  readonly inVain: readonly string[];
}

/**
 * The login for a registry where `docker login` leaves it: `DOCKER_AUTH_CONFIG`, then `config.json` in the folder that
 * `DOCKER_CONFIG` names or in `~/.docker`. Credential helpers are programs, and are not run. Never throws: what cannot be
 * read is told as a place without a login. Source: docker/cli, cli/config/configfile.
 */
export function credentialsFor(host: string, env: Env): Sought {
  const inVain: string[] = [];
  for (const { place, text } of placesOf(env)) {
    const found = typeof text === 'string' ? loginIn(text, host) : text.why;
    if (typeof found !== 'string') return { credentials: { ...found, place }, inVain };
    inVain.push(`${place} ${found}`);
  }
  return { credentials: null, inVain };
}

interface Place {
  readonly place: string;
  readonly text: string | { readonly why: string };
}

function placesOf(env: Env): readonly Place[] {
  const variable: Place = { place: 'DOCKER_AUTH_CONFIG', text: env['DOCKER_AUTH_CONFIG'] || { why: 'is not set' } };
  const folder = env['DOCKER_CONFIG'] || (env['HOME'] ? path.join(env['HOME'], '.docker') : null);
  return folder === null ? [variable] : [variable, placeOf(path.join(folder, 'config.json'))];
}

function placeOf(file: string): Place {
  try {
    return { place: file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { place: file, text: { why: code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})` } };
  }
}

/** A text: why there is no login, to finish a sentence that begins with the place. */
function loginIn(text: string, host: string): Omit<Credentials, 'place'> | string {
  const config = parsed(text);
  if (config === null) return 'is no JSON object';
  const entry = memberFor(objectIn(config, 'auths'), host);
  const login = loginOf(objectIn({ entry }, 'entry'));
  if (login !== null) return login;
  const helper = memberFor(objectIn(config, 'credHelpers'), host) ?? config['credsStore'];
  if (typeof helper === 'string' && helper !== '')
    return `leaves it to the credential helper ${JSON.stringify(helper)}, which llmops does not run`;
  return entry === undefined ? 'names none' : 'names one without user and password';
}

type Json = Readonly<Record<string, unknown>>;

function parsed(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : null;
  } catch {
    return null;
  }
}

function objectIn(config: Json, key: string): Json {
  const value = config[key];
  return value !== null && typeof value === 'object' ? (value as Json) : {};
}

/** Older entries are addresses: `https://HOST/v1/`. */
function memberFor(members: Json, host: string): unknown {
  if (Object.hasOwn(members, host)) return members[host];
  const hostOf = (key: string): string =>
    key
      .replace(/^https?:\/\//, '')
      .replace(/\/.*$/, '')
      .toLowerCase();
  return Object.entries(members).find(([key]) => hostOf(key) === host.toLowerCase())?.[1];
}

/** `auth` is `user:password` in base64; some programs write `username` and `password`. */
function loginOf(entry: Json): Omit<Credentials, 'place'> | null {
  const { auth, username, password } = entry;
  if (typeof auth === 'string' && auth !== '') {
    const [, user, rest] = /^([^:]+):([^]+)$/.exec(Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '')) ?? [];
    return user === undefined || rest === undefined ? null : { user, password: rest };
  }
  const isWhole = typeof username === 'string' && username !== '' && typeof password === 'string' && password !== '';
  return isWhole ? { user: username, password } : null;
}
