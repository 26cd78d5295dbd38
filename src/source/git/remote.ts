import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProblemError } from '../../domain/problem.ts';
import { looksSecret } from '../../domain/secret.ts';
import type { Env, Setting } from './environment.ts';
import { settingOf, type Home } from './home.ts';
import { plain, redactor, type Redact } from './words.ts';

/** What is followed, and how it is reached. */
export interface Remote {
  /** What git is given: an address without a secret, or an absolute path. */
  readonly url: string;
  /** For people, without a secret. */
  readonly shown: string;
  /** Where it lies on this machine; null: elsewhere. */
  readonly path: string | null;
  /** Settings with what proves who we are. They go to git as variables, and hold for that host only. */
  readonly login: readonly Setting[];
  readonly redact: Redact;
}

/** The variable with a token for https. */
export const TOKEN = 'LLMOPS_GIT_TOKEN';

const SCHEMES = new Set(['file', 'ssh', 'git', 'http', 'https', 'git+ssh', 'ssh+git']);

/**
 * Finds out what the name of a remote, an address or a path means where llmops.yaml lies. Throws a ProblemError: `git-no-remote`,
 * `git-remote-refused`, or `git-token-in-clear` if a secret would go over a line that anybody can read.
 */
export function remoteOf(written: string, home: Home, env: Env): Remote {
  const named = settingOf(home, `remote.${written}.url`);
  const address = named ?? written;
  refuseUnsafe(address);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address)?.[1]?.toLowerCase() ?? null;
  if (scheme === 'http' || scheme === 'https') return webRemote(address, env);
  const redact = redactor(passwordIn(address));
  if (scheme !== null) {
    const url = address.replace(/^([^/]*\/\/[^/:@]*):[^/]*@/, '$1@');
    return { url, shown: plain(redact(address)), path: scheme === 'file' ? pathOf(address) : null, login: [], redact };
  }
  if (/^[^/]+:/.test(address)) return { url: address, shown: plain(address), path: null, login: [], redact };
  return localRemote(address, named !== null, home, env, redact);
}

function localRemote(address: string, isNamed: boolean, home: Home, env: Env, redact: Redact): Remote {
  const isPath = isNamed || address.includes('/') || /^(?:\.{1,2}|~)$/.test(address);
  if (!isPath || (address === '.' && home.repository === null)) throw noRemote(address, home);
  if (address === '.')
    return { url: home.repository!.gitDir, shown: home.repository!.top, path: home.repository!.gitDir, login: [], redact };
  const from = isNamed ? (home.repository?.top ?? home.dir) : home.dir;
  const path = /^~(?:\/|$)/.test(address) && env['HOME'] ? resolve(env['HOME'], `.${address.slice(1)}`) : resolve(from, address);
  return { url: path, shown: plain(path), path, login: [], redact };
}

function noRemote(written: string, home: Home): ProblemError {
  const summary =
    home.repository === null
      ? `${plain(written)} is neither an address nor a path, and ${home.dir} lies in no git repository that could have a remote of this name.`
      : `The repository ${home.repository.top} has no remote named ${plain(written)}.`;
  return new ProblemError({
    code: 'git-no-remote',
    summary,
    fix: 'Name one that `git remote` lists, an address (ssh://, https://, git@host:path), or a path.',
  });
}

/** What git could take for an option, or for a program to run. */
function refuseUnsafe(address: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address)?.[1]?.toLowerCase();
  const isHelper = /^[a-z0-9][a-z0-9+.-]*::/i.test(address);
  const isKnown = scheme === undefined || SCHEMES.has(scheme);
  if (address !== '' && !address.startsWith('-') && !isHelper && isKnown && !/[\u0000-\u001f\u007f]/.test(address)) return;
  throw new ProblemError({
    code: 'git-remote-refused',
    summary: `${address === '' ? 'An empty text' : plain(redactor([])(address), 80)} is no remote that llmops follows.`,
    expected: 'A remote of the repository, ssh://, git@host:path, https://, or a path.',
    fix: 'Name one of these. Addresses that make git run another program (ext::) are never followed.',
  });
}

function webRemote(address: string, env: Env): Remote {
  const url = parsed(address);
  const token = env[TOKEN] ?? '';
  const [user, password] = [unescaped(url.username), unescaped(url.password)];
  const secret = token || password || (looksSecret(user) ? user : '');
  // A name alone is no secret, and helpers look their passwords up by it.
  if (secret === '') return { url: address, shown: shownWeb(url), path: null, login: [], redact: redactor([]) };
  if (url.protocol === 'http:' && !/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname)) throw inClear(url);
  const pair = secret === user ? `${user}:` : `${user || 'x-access-token'}:${secret}`;
  const basic = Buffer.from(pair).toString('base64');
  const redact = redactor([secret, password, url.password, encodeURIComponent(secret), basic, ...(secret === user ? [url.username] : [])]);
  [url.username, url.password] = ['', ''];
  return { url: url.href, shown: shownWeb(url), path: null, login: loginAt(url.origin, basic), redact };
}

/**
 * The empty header forgets what stood there before, since two logins are refused. Git would send the header on to wherever it
 * is redirected, so it follows no redirection then.
 */
function loginAt(origin: string, basic: string): readonly Setting[] {
  return [
    [`http.${origin}/.extraHeader`, ''],
    [`http.${origin}/.extraHeader`, `Authorization: Basic ${basic}`],
    [`http.${origin}/.followRedirects`, 'false'],
    ['http.followRedirects', 'false'],
  ];
}

const shownWeb = (url: URL): string => plain(`${url.origin}${url.pathname}`);

function parsed(address: string): URL {
  try {
    return new URL(address);
  } catch {
    throw new ProblemError({
      code: 'git-remote-refused',
      summary: 'The address of the git remote is none that can be read.',
      fix: 'Write it as https://host/path.',
    });
  }
}

function inClear(url: URL): ProblemError {
  return new ProblemError({
    code: 'git-token-in-clear',
    summary: `The token for ${shownWeb(url)} would go over the network where anybody can read it.`,
    fix: `Write https:// in the address, or take the secret away: the one in the address, or ${TOKEN}.`,
  });
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function passwordIn(address: string): readonly string[] {
  const password = /^[^/]*\/\/[^/:@]*:([^/]*)@/.exec(address)?.[1];
  return password === undefined ? [] : [password, unescaped(password)];
}

function pathOf(address: string): string | null {
  try {
    const path = fileURLToPath(address);
    return isAbsolute(path) ? path : null;
  } catch {
    return null;
  }
}
