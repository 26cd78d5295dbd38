import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newIdentity } from './certificate.ts';
import { folder, found, open, repository, trouble, type Repository } from './repositories.ts';
import { serve, type Manners } from './web-server.ts';

const CANARY = 'canary-81d0be6c27';
const LOGIN = `x-access-token:${CANARY}`;

interface Served {
  readonly upstream: Repository;
  readonly remote: string;
  /** What lets git believe the server. */
  readonly trust: Readonly<Record<string, string>>;
}

/** A repository behind HTTPS, whose certificate nobody but `trust` vouches for. */
async function served(manners: Manners = {}): Promise<Served> {
  const upstream = repository();
  const identity = newIdentity();
  const ca = join(folder(), 'ca.pem');
  writeFileSync(ca, identity.cert);
  const address = await serve(dirname(upstream.dir), { ...manners, identity });
  return { upstream, remote: `${address}/${basename(upstream.dir)}/.git`, trust: { GIT_SSL_CAINFO: ca } };
}

describe('A branch behind HTTPS', () => {
  it('is followed with a token, over a certificate that git was told to believe', async () => {
    const { upstream, remote, trust } = await served({ login: LOGIN });
    const source = await open(remote, { env: { ...trust, LLMOPS_GIT_TOKEN: CANARY } });
    expect(await found(source)).toMatchObject({ id: upstream.head() });
    const next = upstream.commit({ more: 'm' });
    expect(await found(source)).toMatchObject({ id: next });
  });

  it('is not asked if nobody vouches for the server: it gets no token, and what to do is told', async () => {
    const seen: (string | undefined)[] = [];
    const { remote } = await served({ asked: ({ headers }) => seen.push(headers.authorization) });
    const { summary, fix } = await trouble(await open(remote, { env: { LLMOPS_GIT_TOKEN: CANARY } }));
    expect(summary).toMatch(/certificate/);
    expect(fix).toContain(`git config --global http.${new URL(remote).origin}/.sslCAInfo`);
    expect(seen).toEqual([]);
  });

  it('that refuses the token says that it is this one, and not that there is none', async () => {
    const { remote, trust } = await served({ login: LOGIN });
    const { summary, fix } = await trouble(await open(remote, { env: { ...trust, LLMOPS_GIT_TOKEN: 'wrong-canary' } }));
    expect(summary).toContain('it does not take the login that it is given.');
    expect(fix).toMatch(/^LLMOPS_GIT_TOKEN.* is wrong, has expired/);
    expect(summary + fix).not.toContain('wrong-canary');
  });

  it('that wants a login asks nobody for it', async () => {
    const { remote, trust } = await served({ login: LOGIN });
    const { summary, fix } = await trouble(await open(remote, { env: trust }));
    expect(summary).toContain('it wants a login, and was given none.');
    expect(fix).toMatch(/^Set LLMOPS_GIT_TOKEN/);
  });

  it.each([
    ['503', /503\.$/, /asked again by itself/],
    ['429', /429\.$/, /asked again by itself/],
    ['403', /403\.$/, /may not read this repository/],
    ['404', /not found\.$/, /address is right/],
  ])('that answers %s is told as that', async (kind, summary, fix) => {
    const { remote, trust } = await served({ kind });
    const problem = await trouble(await open(remote, { env: { ...trust, LLMOPS_GIT_TOKEN: CANARY } }));
    expect(problem.code).toBe('git-unavailable');
    expect(problem.summary).toMatch(summary);
    expect(problem.fix).toMatch(fix);
    expect(JSON.stringify(problem)).not.toContain(CANARY);
  });

  it('is not followed to another server with the token', async () => {
    const seen: (string | undefined)[] = [];
    const other = await served({ asked: ({ headers }) => seen.push(headers.authorization) });
    const { remote, trust } = await served({ kind: new URL(other.remote).origin });
    const { fix } = await trouble(await open(remote, { env: { ...trust, LLMOPS_GIT_TOKEN: CANARY } }));
    expect(fix).toContain('another address');
    expect(seen).toEqual([]);
  });
});
