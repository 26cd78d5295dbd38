/** How a server wants to be told who is there: one part of a `WWW-Authenticate` header. */
export interface Challenge {
  readonly scheme: 'bearer' | 'basic';
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const WORD = /([\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g;

/**
 * The challenge of a `WWW-Authenticate` header that can be answered: `Bearer` before `Basic`, since a token is for one
 * repository and a short time. null: there is none. Pure. Source: RFC 9110, 11.6.1.
 */
export function challengeIn(header: string | readonly string[] | undefined): Challenge | null {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  for (const [, word = '', quoted, plain] of (header === undefined ? '' : header.toString()).matchAll(WORD)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) found.push({ scheme: word.toLowerCase(), parameters: new Map() });
    else found.at(-1)?.parameters.set(word.toLowerCase(), value);
  }
  const bearer = found.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
  if (bearer !== undefined) return { scheme: 'bearer', parameters: bearer.parameters };
  const basic = found.find(({ scheme }) => scheme === 'basic');
  return basic === undefined ? null : { scheme: 'basic', parameters: basic.parameters };
}

/**
 * The address that a `Bearer` challenge wants a token to be fetched from; null: it is none. Pure. Source: the token
 * authentication of the distribution registry, docs/content/spec/auth/token.md.
 */
export function tokenAddress({ parameters }: Challenge): URL | null {
  const url = URL.parse(parameters.get('realm') ?? '');
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return null;
  const service = parameters.get('service');
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of (parameters.get('scope') ?? '').split(' ').filter((each) => each !== '')) url.searchParams.append('scope', scope);
  return url;
}
