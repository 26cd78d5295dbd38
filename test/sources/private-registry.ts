import type { IncomingMessage, ServerResponse } from 'node:http';
import { startRegistry } from './fake-registry.ts';
import type { FakeRegistryOptions } from './fake-registry.ts';
import { sendJson, serve } from './server.ts';
import type { Server } from './server.ts';

/** The one user whom private registries of tests know. */
export const USER = { name: 'ada', password: 'canary:7f3a 9c', basic: `Basic ${Buffer.from('ada:canary:7f3a 9c').toString('base64')}` };

/** A text like that of Docker's config.json, with a login for this registry. */
export function configFor(host: string, entry: object = { auth: USER.basic.slice('Basic '.length) }): string {
  return JSON.stringify({ auths: { [host]: entry } });
}

/** What a test sets up. */
export interface PrivateOptions extends FakeRegistryOptions {
  /** `token`: it sends us to have a token made; `basic`: it wants user and password itself. */
  readonly by?: 'token' | 'basic';
  /** What anybody may have made: a token that opens nothing, one that opens the model, or none. */
  readonly strangers?: 'useless' | 'open' | 'refused';
  /** How often a token lets in; absent: for ever. */
  readonly uses?: number;
  /** Where tokens are made, in the challenge; absent: at a server of its own. */
  readonly realm?: string;
}

/** A private registry, and the server that makes its tokens. */
export interface PrivateRegistry {
  readonly registry: Server;
  readonly tokens: Server;
}

/**
 * A registry that lets in as those of Docker do:
 *
 * - Without `Authorization`, or with one that does not suit: 401 with `WWW-Authenticate`.
 * - `Bearer realm="…",service="…",scope="repository:NAME:pull"`: whoever asks the realm for that scope, with user and password
 *   or without, gets `{"token": "…"}`. Wrong ones: 401. A token that does not suffice is answered with another challenge.
 */
export async function startPrivateRegistry(options: PrivateOptions): Promise<PrivateRegistry> {
  const { by = 'token', strangers = 'useless', uses = Infinity } = options;
  const left = new Map<string, number>();
  const tokens = await serve((request, response) => {
    const { authorization } = request.headers;
    const url = new URL(request.url ?? '', 'http://tokens');
    const asked = url.searchParams.get('service') === 'fake' && url.searchParams.get('scope') === 'repository:acme/qwen:pull';
    const isUser = authorization === USER.basic;
    if (!asked || (authorization !== undefined && !isUser) || (authorization === undefined && strangers === 'refused'))
      return sendJson(response, 401, { errors: [{ code: 'UNAUTHORIZED', message: `not ${authorization}` }] });
    const token = `token-${left.size}`;
    left.set(token, isUser || strangers === 'open' ? uses : 0);
    return sendJson(response, 200, { token, expires_in: 60 });
  });
  const isLetIn = ({ headers: { authorization = '' } }: IncomingMessage): boolean => {
    if (by === 'basic') return authorization === USER.basic;
    const token = authorization.replace('Bearer ', '');
    const more = left.get(token) ?? 0;
    if (left.has(token)) left.set(token, more - 1);
    return more > 0;
  };
  const realm = options.realm ?? `${tokens.origin}/token?from=here`;
  const challenge = by === 'basic' ? 'Basic realm="fake"' : `Bearer realm="${realm}",service="fake",scope="repository:acme/qwen:pull"`;
  const guard = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (isLetIn(request)) return options.meanwhile?.(request, response) ?? false;
    const errors = [{ code: 'UNAUTHORIZED', message: 'authentication required' }];
    sendJson(response, 401, { errors }, { 'www-authenticate': challenge });
    return true;
  };
  return { registry: await startRegistry({ ...options, meanwhile: guard }), tokens };
}
