import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { folder, found, gitAt, open, repository, trouble, type Repository } from '../source/git/repositories.ts';
import { newKey, startSshd, whyNoSshd, type Sshd } from './real/sshd.ts';

const skipped = whyNoSshd();

let dir: string;
let key: string;
let locked: string;
let server: Sshd;
let upstream: Repository;
beforeEach(async () => {
  dir = folder();
  key = newKey(dir, 'key');
  locked = newKey(dir, 'locked', 'a passphrase');
  upstream = repository();
  server = await serve(newKey(dir, 'host'));
  writeFileSync(join(dir, 'known_hosts'), server.knownHost);
});

async function serve(hostKey: string, port?: number): Promise<Sshd> {
  const home = folder();
  const started = await startSshd(home, hostKey, [key, locked], port);
  onTestFinished(() => started.end());
  return started;
}

/** ssh with that key, which takes nothing from the person who runs the tests. */
const ssh = (identity = key): string =>
  `ssh -F none -i ${identity} -oIdentitiesOnly=yes -oUserKnownHostsFile=${dir}/known_hosts -oGlobalKnownHostsFile=/dev/null`;

/** A source that follows the repository over ssh; a program that would ask somebody leaves a trace. */
function follow(GIT_SSH_COMMAND = ssh(), mirrorDir = join(folder(), 'mirror')): ReturnType<typeof open> {
  const asker = join(dir, 'asker');
  writeFileSync(asker, `#!/bin/sh\ntouch ${dir}/asked\n`, { mode: 0o755 });
  const env = { GIT_SSH_COMMAND, SSH_ASKPASS: asker, GIT_ASKPASS: asker, DISPLAY: ':0' };
  return open(`ssh://git@127.0.0.1:${server.port}${upstream.dir}`, { env, mirrorDir });
}

const wasAsked = (): boolean => existsSync(join(dir, 'asked'));

describe.skipIf(skipped !== null)(`Over a real sshd${skipped === null ? '' : ` (${skipped})`} a branch`, () => {
  it('is followed, also when it is rewritten, and no more of it is fetched than is needed', async () => {
    for (const n of ['1', '2', '3']) upstream.commit({ n });
    const mirror = join(folder(), 'mirror');
    const source = await follow(ssh(), mirror);
    const { id: from } = await found(source);
    expect(from).toBe(upstream.head());
    expect(gitAt(join(mirror, 'repo.git'))('rev-list', '--count', 'refs/llmops/head')).toBe('1');
    upstream.git('commit', '-q', '--amend', '-m', 'other');
    expect((await found(source)).rewritten).toEqual({ from, to: upstream.head() });
  });

  it('of a host that is not known is not asked', async () => {
    writeFileSync(join(dir, 'known_hosts'), '');
    const { summary, fix } = await trouble(await follow());
    expect(summary).toMatch(/Host key verification failed\.$/);
    expect(fix).toContain(`ssh -p ${server.port} git@127.0.0.1`);
    expect(wasAsked()).toBe(false);
  });

  it('of a host that has another key than before is not asked', async () => {
    const source = await follow();
    await found(source);
    await server.end();
    await serve(newKey(dir, 'host-2'), server.port);
    const { summary, fix } = await trouble(source);
    expect(summary).toMatch(/the host key of \[127\.0\.0\.1\]:\d+ is another one than before, SHA256:\S+\.$/);
    expect(fix).toContain(`ssh-keygen -R '[127.0.0.1]:${server.port}'`);
    expect(wasAsked()).toBe(false);
  });

  it.each([
    ['that the server does not know', () => newKey(dir, 'stranger')],
    ['that has a passphrase', () => locked],
  ])('is not asked with a key %s, and nobody is', async (_, identity) => {
    const { summary, fix } = await trouble(await follow(ssh(identity())));
    expect(summary).toContain('Permission denied');
    expect(fix).toMatch(/a key that the server knows and that has no passphrase/);
    expect(wasAsked()).toBe(false);
  });

  it('is not asked with a key that others may read', async () => {
    chmodSync(key, 0o644);
    const { summary, fix } = await trouble(await follow());
    expect(summary).toContain('are too open');
    expect(fix).toBe(`Let nobody else read the key: chmod 600 '${key}'`);
  });

  it('that is not there is told as that', async () => {
    const empty = folder();
    mkdirSync(join(empty, 'x'));
    upstream = { ...upstream, dir: join(empty, 'x') };
    const { summary, fix } = await trouble(await follow());
    expect(summary).toContain('does not appear to be a git repository');
    expect(fix).toMatch(/address is right/);
  });

  it('of a server that takes the connection and says nothing is given up', async () => {
    const ending = new AbortController();
    const silent = createServer(() => ending.abort(new Error('enough')));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    server = { ...server, port: (silent.address() as AddressInfo).port };
    await expect((await follow()).look(ending.signal)).rejects.toThrow('enough');
  });
});
