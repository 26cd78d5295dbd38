import { isLoopback, mayRedirect } from '../domain/http.ts';
import type { Login, Refusal } from '../domain/login.ts';
import { jsonOf } from './answer.ts';
import type { Answer } from './answer.ts';
import { challengeIn, tokenAddress } from './challenge.ts';
import type { Challenge } from './challenge.ts';
import { LIMITS, netOf } from './context.ts';
import type { Limits } from './context.ts';
import { credentialsFor } from './docker-config.ts';
import type { Credentials } from './docker-config.ts';
import { askSmall } from './small.ts';

const ASK_AGAIN = 'Run the same command again; if it stays so, ask whoever runs the registry.';
const MOST_TOKEN_BYTES = 256 * 1024;

/** Where a login is for, and where it may be found. */
interface Asking {
  /** As people write it, and as Docker's configuration names it. */
  readonly host: string;
  /** What addresses of the registry begin with. */
  readonly base: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly limits?: Limits;
}

/** What the search and the server's answers came to. */
type Outcome =
  | { readonly is: 'unasked' }
  | { readonly is: 'no-login'; readonly inVain: readonly string[] }
  | { readonly is: 'withheld'; readonly place: string; readonly from: string }
  | { readonly is: 'bad-realm' }
  | { readonly is: 'not-accepted'; readonly place: string; readonly by: string };

/**
 * Answers a registry that wants to know who asks: nobody first, since what everybody may have needs a token at some
 * registries, and then whoever Docker's configuration names. Credentials go to the registry, or to where it has tokens
 * made, and only over a connection that is encrypted or stays on this machine.
 */
export class RegistryLogin implements Login {
  headers: Readonly<Record<string, string>> = {};
  readonly #asking: Asking;
  readonly #registry: URL;
  readonly #secrets = new Set<string>();
  #challenge: Challenge | null = null;
  #asUser = false;
  #outcome: Outcome = { is: 'unasked' };

  constructor(asking: Asking) {
    this.#asking = asking;
    this.#registry = new URL(asking.base);
  }

  /** True once the registry was told who asks: nobody else may have what it gave. */
  get wasNeeded(): boolean {
    return this.#asUser;
  }

  async answer({ host, headers }: Refusal, tries: number, signal: AbortSignal): Promise<boolean> {
    // Where a redirect led to is not the registry, and gets nothing.
    if (host !== this.#registry.host) return false;
    const challenge = challengeIn(headers['www-authenticate']) ?? (tries > 0 ? this.#challenge : null);
    if (challenge === null) return false;
    this.#challenge = challenge;
    if (this.#asUser && tries > 0) return false;
    if (challenge.scheme === 'basic') return this.#tellWho();
    const realm = tokenAddress(challenge);
    if (realm === null || !mayRedirect(this.#registry, realm)) {
      this.#outcome = { is: 'bad-realm' };
      return false;
    }
    const isStranger = !this.#asUser && tries === 0;
    return (isStranger && (await this.#takeToken(realm, null, signal))) || (await this.#logIn(realm, signal));
  }

  told(by: string): { readonly why: string; readonly fix: string } {
    const { host } = this.#asking;
    if (by !== this.#registry.host) return { why: `${by} refuses it, which ${host} sent us on to.`, fix: ASK_AGAIN };
    return { why: whyOf(this.#outcome, host), fix: fixOf(this.#outcome, host) };
  }

  conceal(text: string): string {
    // A very short one would tear up every text, and is no secret.
    return [...this.#secrets].filter(({ length }) => length > 3).reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  }

  /** The registry itself wants user and password, with every request. */
  #tellWho(): boolean {
    const credentials = this.#credentialsFor(this.#registry);
    if (credentials === null) return false;
    this.#carry(basic(credentials), credentials);
    return true;
  }

  async #logIn(realm: URL, signal: AbortSignal): Promise<boolean> {
    const credentials = this.#credentialsFor(realm);
    return credentials !== null && (await this.#takeToken(realm, credentials, signal));
  }

  /** Has a token made. False: there is none to be had, for nobody or for this user. */
  async #takeToken(realm: URL, credentials: Credentials | null, signal: AbortSignal): Promise<boolean> {
    const { env, limits = LIMITS } = this.#asking;
    const headers = credentials === null ? {} : { authorization: basic(credentials) };
    if (credentials !== null) this.#remember(credentials, realm.host);
    const answer = await askSmall(realm.href, headers, MOST_TOKEN_BYTES, netOf({ env, limits, signal }));
    const token = tokenIn(answer);
    if (token === null) return false;
    this.#carry(`Bearer ${token}`, credentials);
    return true;
  }

  #credentialsFor(receiver: URL): Credentials | null {
    const { host, env } = this.#asking;
    const { credentials, inVain } = credentialsFor(host, env);
    if (credentials === null) this.#outcome = { is: 'no-login', inVain };
    else if (receiver.protocol === 'https:' || isLoopback(receiver.hostname)) return credentials;
    else this.#outcome = { is: 'withheld', place: credentials.place, from: receiver.host };
    return null;
  }

  #carry(authorization: string, credentials: Credentials | null): void {
    this.headers = { authorization };
    this.#secrets.add(authorization.replace(/^\S+ /, ''));
    if (credentials === null) return;
    this.#remember(credentials, this.#registry.host);
    this.#asUser = true;
  }

  /** Until somebody accepts them, they are not accepted. */
  #remember(credentials: Credentials, by: string): void {
    for (const secret of [credentials.password, basic(credentials).slice('Basic '.length)]) this.#secrets.add(secret);
    this.#outcome = { is: 'not-accepted', place: credentials.place, by };
  }
}

function basic({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** `token`, or `access_token` as OAuth calls it. */
function tokenIn(answer: Answer): string | null {
  if (answer.status !== 200) return null;
  const { token, access_token: other } = jsonOf(answer) as { readonly token?: unknown; readonly access_token?: unknown };
  const value = token || other;
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : null;
}

function whyOf(outcome: Outcome, host: string): string {
  switch (outcome.is) {
    case 'unasked':
      return `${host} does not say how to log in.`;
    case 'bad-realm':
      return `${host} wants a login that would be sent without encryption, or to no address at all, which is refused.`;
    case 'no-login':
      return `No login for ${host} was found: ${outcome.inVain.join(', and ')}.`;
    case 'withheld':
      return `The login for ${host} in ${outcome.place} was not sent, because the connection to ${outcome.from} is not encrypted.`;
    case 'not-accepted':
      return `${outcome.by} does not accept the login for ${host} in ${outcome.place}, or it may not read this.`;
  }
}

function fixOf(outcome: Outcome, host: string): string {
  switch (outcome.is) {
    case 'unasked':
    case 'bad-realm':
      return 'Check the name. If it is right, ask whoever runs the registry.';
    case 'no-login':
      return `Check the name. If it is private: docker login ${host}, or set DOCKER_AUTH_CONFIG to a text like that of Docker's config.json, with \`auths\`.`;
    case 'withheld':
      return 'Give the registry a certificate, or reach it through a tunnel that ends on this machine.';
    case 'not-accepted':
      return `Check the name, and that this user may read it. To log in anew: docker login ${host}`;
  }
}
