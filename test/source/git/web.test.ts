import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, found, gitAt, look, open, repository, TEXT, trouble, type Repository } from './repositories.ts';
import { serve } from './web-server.ts';

const CANARY = 'canary-3f9c1d7a55';
const BASIC = Buffer.from(`x-access-token:${CANARY}`).toString('base64');

interface Served {
  readonly upstream: Repository;
  /** Folder and path under it, as a server has them. */
  readonly root: string;
  readonly path: string;
}

function served(): Served {
  const upstream = repository();
  return { upstream, root: dirname(upstream.dir), path: `/${basename(upstream.dir)}/.git` };
}

/** Everything below a folder that holds a text. */
function holding(dir: string, text: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => statSync(join(dir, name)).isFile() && readFileSync(join(dir, name)).includes(text));
}

/** Command lines of this machine, as anybody can read them. */
function commandLines(): string {
  if (!existsSync('/proc/self/cmdline')) return '';
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .join('\n');
}

describe('A branch on the web', () => {
  it('is followed, and known from a rewritten one', async () => {
    const { upstream, root, path } = served();
    const source = await open(`${await serve(root)}${path}`);
    await found(source);
    for (let n = 0; n < 3; n += 1) upstream.commit({ n: String(n) });
    const { id: from, ...next } = await found(source);
    expect(from).toBe(upstream.head());
    expect(next).not.toHaveProperty('rewritten');
    upstream.git('reset', '-q', '--hard', 'HEAD~1');
    const to = upstream.commit({ other: 'o' });
    expect((await found(source)).rewritten).toEqual({ from, to });
  });

  it('comes whole from a server that cannot give a part', async () => {
    const { upstream, root, path } = served();
    upstream.git('update-server-info');
    const source = await open(`${await serve(root, { kind: 'dumb' })}${path}`);
    await found(source);
    const next = upstream.commit({ 'llmops.yaml': `${TEXT}#\n` });
    upstream.git('update-server-info');
    expect(await found(source)).toMatchObject({ id: next });
  });

  it.each([
    ['a token', (address: string) => ({ address, env: { LLMOPS_GIT_TOKEN: CANARY }, login: `x-access-token:${CANARY}` })],
    [
      'a token and a name',
      (address: string) => ({ address: address.replace('//', '//alice@'), env: { LLMOPS_GIT_TOKEN: CANARY }, login: `alice:${CANARY}` }),
    ],
    [
      'a password in the address',
      (address: string) => ({ address: address.replace('//', `//alice:${CANARY}@`), env: {}, login: `alice:${CANARY}` }),
    ],
  ])('is reached with %s, which nobody else gets to see', async (_, prove) => {
    const { upstream, root, path } = served();
    const lines: string[] = [];
    const { login } = prove('http://x');
    const { address, env } = prove(await serve(root, { login, asked: () => lines.push(commandLines()) }));
    const mirrorDir = join(folder(), 'mirror');
    const source = await open(`${address}${path}`, { env, mirrorDir });
    const revision = await found(source);
    expect(revision).toMatchObject({ id: upstream.head() });
    expect(source.shown).toMatch(/^main of http:\/\/127\.0\.0\.1:\d+\//);
    if (existsSync('/proc/self/cmdline')) expect(lines.join('')).toContain('ls-remote');
    const base64 = Buffer.from(login).toString('base64');
    for (const secret of [CANARY, base64]) {
      expect(`${source.shown} ${JSON.stringify(revision)} ${lines.join('')}`).not.toContain(secret);
      expect(holding(mirrorDir, secret)).toEqual([]);
    }
  });

  it('that wants a password is unavailable without one, and says how to give it', async () => {
    const { root, path } = served();
    const source = await open(`${await serve(root, { login: 'a:b' })}${path}`);
    const problem = await trouble(source);
    expect(problem).toMatchObject({ kind: 'unavailable', code: 'git-unavailable' });
    expect(problem.fix).toContain('LLMOPS_GIT_TOKEN');
  });

  it('is given the password of a credential helper that the repository here names', async () => {
    const { upstream, root, path } = served();
    const here = repository();
    here.git('config', 'credential.helper', '!f() { echo username=a; echo password=b; }; f');
    const address = `${await serve(root, { login: 'a:b' })}${path}`;
    expect(await found(await open(address, { file: join(here.dir, 'llmops.yaml') }))).toMatchObject({ id: upstream.head() });
  });

  it('gives no other server the token that it was sent on to', async () => {
    const { root, path } = served();
    const seen: (string | undefined)[] = [];
    const other = await serve(root, { asked: ({ headers }) => seen.push(headers.authorization) });
    const first = await serve(root, { kind: other });
    const problem = await trouble(await open(`${first}${path}`, { env: { LLMOPS_GIT_TOKEN: CANARY } }));
    expect([problem.code, seen]).toEqual(['git-unavailable', []]);
    expect(problem.fix).toContain('another address');
    // Without a secret it goes where it is sent.
    expect((await look(await open(`${first}${path}`))).kind).toBe('found');
    expect(seen.filter(Boolean)).toEqual([]);
  });

  it('gets no secret over a line that anybody can read', async () => {
    const code = (remote: string, env = {}): Promise<unknown> =>
      open(remote, { env }).catch((error: { problem: { code: string } }) => error.problem.code);
    expect(await code('http://models.example/x', { LLMOPS_GIT_TOKEN: CANARY })).toBe('git-token-in-clear');
    expect(await code('http://alice:secret@models.example/x')).toBe('git-token-in-clear');
  });

  it('tells nothing of a secret in what goes wrong', async () => {
    const { root, path } = served();
    const away = `${await serve(root, { kind: 'dumb' })}/nowhere${path}`;
    const here = repository();
    here.git('remote', 'add', 'origin', away.replace('//', `//alice:${CANARY}@`));
    const sources = [
      await open('origin', { file: join(here.dir, 'llmops.yaml') }),
      await open(away, { env: { LLMOPS_GIT_TOKEN: CANARY } }),
      await open(away.replace('//', '//ghp_canary3f9c1d7a55@')),
      await open(`${away}?private_token=${CANARY}`),
      await open(`ssh://git:${CANARY}@127.0.0.1:1/x`, { env: { GIT_SSH_COMMAND: 'false' } }),
    ];
    for (const source of sources) {
      const told = JSON.stringify([source.shown, await look(source)]);
      expect(told).toContain('git-unavailable');
      for (const secret of [CANARY, BASIC, 'canary3f9c']) expect(told).not.toContain(secret);
    }
    expect(gitAt(here.dir)('config', 'remote.origin.url')).toContain(CANARY);
  });

  it('that takes the question and never answers is given up', async () => {
    const { root, path } = served();
    const ending = new AbortController();
    const address = await serve(root, { kind: 'silent', asked: () => ending.abort(new Error('enough')) });
    await expect((await open(`${address}${path}`)).look(ending.signal)).rejects.toThrow('enough');
  });
});
