import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isLoopback } from '../domain/http.ts';
import { ProblemError } from '../domain/problem.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Where the Hub is, and what lets us in there. */
export interface HubAccess {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** null: there is none, or it is not sent to this endpoint. */
  readonly token: string | null;
  /** True: there is a token, and the endpoint is neither encrypted nor this machine. */
  readonly withheld: boolean;
}

/**
 * The Hub as its own tools find it: `HF_ENDPOINT`, and a token in `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN` or the file that
 * `hf auth login` writes. Throws a ProblemError: `hub-endpoint`, `hub-token`. Source: huggingface_hub, constants.py.
 */
export function hubAccess(env: Env): HubAccess {
  const endpoint = endpointOf(env);
  const token = tokenOf(env);
  const safe = endpoint.protocol === 'https:' || isLoopback(endpoint.hostname);
  return { endpoint: endpoint.href.replace(/\/+$/, ''), token: safe ? token : null, withheld: !safe && token !== null };
}

function endpointOf(env: Env): URL {
  const url = URL.parse(env['HF_ENDPOINT']?.trim() || 'https://huggingface.co');
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.search === '') return url;
  throw new ProblemError({
    code: 'hub-endpoint',
    summary: 'HF_ENDPOINT is not the address of a mirror of the Hugging Face Hub. Nothing was changed.',
    expected: 'https://HOST, or https://HOST/PATH, without user and password',
    fix: 'Set HF_ENDPOINT to one, or unset it. What lets you in belongs into HF_TOKEN.',
  });
}

function tokenOf(env: Env): string | null {
  const token = clean(env['HF_TOKEN']) ?? clean(env['HUGGING_FACE_HUB_TOKEN']) ?? clean(readToken(env));
  if (token === null || /^[\x21-\x7e]+$/.test(token)) return token;
  throw new ProblemError({
    code: 'hub-token',
    summary: 'The token for the Hugging Face Hub has characters that no token has. Nothing was changed.',
    fix: 'Set HF_TOKEN to the token alone, or run: hf auth login',
  });
}

function clean(text: string | null | undefined): string | null {
  return text?.replace(/[\r\n]/g, '').trim() || null;
}

/** A file that is not there, or not for us, is as good as no token: the Hub says so if one is needed. */
function readToken(env: Env): string | null {
  const file = tokenFile(env);
  try {
    return file === null ? null : readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function tokenFile(env: Env): string | null {
  if (env['HF_TOKEN_PATH']) return atHome(env['HF_TOKEN_PATH'], env);
  if (env['HF_HOME']) return path.join(atHome(env['HF_HOME'], env), 'token');
  const caches = env['XDG_CACHE_HOME'] || (env['HOME'] ? path.join(env['HOME'], '.cache') : null);
  return caches === null ? null : path.join(atHome(caches, env), 'huggingface', 'token');
}

function atHome(file: string, env: Env): string {
  return file.replace(/^~(?=\/|$)/, env['HOME'] ?? '~');
}
