import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { judgeGpg } from '../../../src/source/git/signature-words.ts';
import { ENV, folder, found, look, open, repository, TEXT, trouble, type Repository } from './repositories.ts';

const has = (program: string, flag: string): boolean => {
  try {
    execFileSync(program, [flag], { stdio: 'ignore' });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
};

interface Signers {
  readonly dir: string;
  readonly allowed: string;
  readonly upstream: Repository;
  /** The repository that llmops is started in, where the allowed signers are named. */
  readonly here: Repository;
  readonly file: string;
  /** Commits with a key of this name, and resolves to the commit. */
  sign(key: string): string;
  /** What stands in a line of allowed signers for a key. */
  publicKey(key: string): string;
}

function signers(): Signers {
  const [dir, upstream, here] = [folder(), repository(), repository()];
  const allowed = join(dir, 'allowed');
  for (const key of ['alice', 'mallory']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(dir, key)]);
  const publicKey = (key: string): string => readFileSync(join(dir, `${key}.pub`), 'utf8').trim();
  writeFileSync(allowed, `alice@example.org ${publicKey('alice')}\n`);
  here.git('config', 'gpg.ssh.allowedSignersFile', allowed);
  const sign = (key: string): string => {
    upstream.git('-c', 'gpg.format=ssh', '-c', `user.signingkey=${join(dir, key)}`, 'commit', '-q', '-S', '--allow-empty', '-m', key);
    return upstream.head();
  };
  return { dir, allowed, upstream, here, file: join(here.dir, 'llmops.yaml'), sign, publicKey };
}

const openSsh = ({ upstream, file }: Signers): ReturnType<typeof open> => open(upstream.dir, { file, git: { verify: 'ssh' } });

/** A commit with the same header and another signature, or text, as somebody makes it who can write to the server. */
function forged({ upstream, dir }: Signers, commit: string, change: (raw: string) => string): string {
  const path = join(dir, 'raw');
  writeFileSync(path, change(`${upstream.git('cat-file', 'commit', commit)}\n`));
  const made = upstream.git('hash-object', '-t', 'commit', '-w', path);
  upstream.git('update-ref', 'refs/heads/main', made);
  return made;
}

describe.skipIf(!has('ssh-keygen', '-?'))('With verify: ssh, a commit', () => {
  it('of an allowed signer is found, and names that one', async () => {
    const all = signers();
    const commit = all.sign('alice');
    const revision = await found(await openSsh(all));
    expect([revision.id, revision.about?.signer]).toEqual([commit, 'alice@example.org']);
  });

  it('that is not signed is refused by name, and so is a merge of signed ones', async () => {
    const all = signers();
    const source = await openSsh(all);
    expect(await look(source)).toMatchObject({ kind: 'refused', commit: all.upstream.head(), problem: { code: 'git-not-signed' } });
    expect((await trouble(source)).summary).toContain(all.upstream.head().slice(0, 7));
    all.upstream.git('checkout', '-q', '-b', 'side');
    all.sign('alice');
    all.upstream.git('checkout', '-q', 'main');
    all.upstream.git('merge', '-q', '--no-ff', '-m', 'merge', 'side');
    expect(await trouble(source)).toMatchObject({ code: 'git-not-signed' });
  });

  it('of somebody unknown is refused until that one is allowed', async () => {
    const all = signers();
    const commit = all.sign('mallory');
    const source = await openSsh(all);
    expect(await trouble(source)).toMatchObject({ kind: 'refused', code: 'git-unknown-signer' });
    appendFileSync(all.allowed, `m@example.org ${all.publicKey('mallory')}\n`);
    expect(await found(source)).toMatchObject({ id: commit, about: { signer: 'm@example.org' } });
  });

  it('is refused where the key was not valid then, was revoked, or may sign other things only', async () => {
    const all = signers();
    all.sign('alice');
    const source = await openSsh(all);
    writeFileSync(all.allowed, `alice@example.org valid-before="20200101" ${all.publicKey('alice')}\n`);
    expect(await trouble(source)).toMatchObject({ kind: 'refused', code: 'git-signer-expired' });
    writeFileSync(all.allowed, `alice@example.org namespaces="file" ${all.publicKey('alice')}\n`);
    expect(await trouble(source)).toMatchObject({ kind: 'refused', code: 'git-unknown-signer' });
    writeFileSync(all.allowed, `alice@example.org ${all.publicKey('alice')}\n`);
    expect((await look(source)).kind).toBe('found');
    writeFileSync(join(all.dir, 'revoked'), `${all.publicKey('alice')}\n`);
    all.here.git('config', 'gpg.ssh.revocationFile', join(all.dir, 'revoked'));
    expect(await trouble(await openSsh(all))).toMatchObject({ kind: 'refused', code: 'git-signer-revoked' });
    rmSync(join(all.dir, 'revoked'));
    expect(await trouble(await openSsh(all))).toMatchObject({ kind: 'refused', code: 'git-no-revoked-signers' });
  });

  it('that was changed after it was signed, or signed for something else, is refused', async () => {
    const all = signers();
    const commit = all.sign('alice');
    const source = await openSsh(all);
    forged(all, commit, (raw) => raw.replace(/alice\n$/, 'other\n'));
    expect(await trouble(source)).toMatchObject({ kind: 'refused', code: 'git-bad-signature' });
    const path = join(all.dir, 'payload');
    forged(all, commit, (raw) => {
      const payload = raw.replace(/^gpgsig (?:.*\n )*.*\n/m, '');
      writeFileSync(path, payload);
      execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'file', '-f', join(all.dir, 'alice'), path], { stdio: 'ignore' });
      const signature = readFileSync(`${path}.sig`, 'utf8').trim().replaceAll('\n', '\n ');
      return payload.replace('\n\n', `\ngpgsig ${signature}\n\n`);
    });
    expect(await trouble(source)).toMatchObject({ kind: 'refused', code: 'git-bad-signature' });
    forged(all, commit, (raw) => raw.replace('BEGIN SSH SIGNATURE', 'BEGIN NEW SIGNATURE'));
    expect(await trouble(source)).toMatchObject({ kind: 'refused', code: 'git-other-signature' });
  });

  it('is refused while nobody said whose signatures count', async () => {
    const all = signers();
    all.sign('alice');
    rmSync(all.allowed);
    expect(await trouble(await openSsh(all))).toMatchObject({ kind: 'refused', code: 'git-no-allowed-signers' });
    all.here.git('config', '--unset', 'gpg.ssh.allowedSignersFile');
    expect(await trouble(await openSsh(all))).toMatchObject({ kind: 'refused', code: 'git-no-allowed-signers' });
  });

  it('cannot allow its own signer', async () => {
    const all = signers();
    all.here.git('config', 'gpg.ssh.allowedSignersFile', 'allowed_signers');
    writeFileSync(join(all.here.dir, 'allowed_signers'), readFileSync(all.allowed));
    all.upstream.commit({ allowed_signers: `alice@example.org ${all.publicKey('mallory')}\n` });
    all.sign('mallory');
    expect(await trouble(await openSsh(all))).toMatchObject({ kind: 'refused', code: 'git-unknown-signer' });
    const good = all.sign('alice');
    expect(await found(await openSsh(all))).toMatchObject({ id: good });
  });

  it('goes by the file of the person where the folder names none', async () => {
    const all = signers();
    const commit = all.sign('alice');
    const home = folder();
    writeFileSync(join(home, '.gitconfig'), '[gpg "ssh"]\n\tallowedSignersFile = ~/allowed\n');
    writeFileSync(join(home, 'allowed'), readFileSync(all.allowed));
    const source = await open(all.upstream.dir, { env: { HOME: home }, git: { verify: 'ssh' } });
    expect(await found(source)).toMatchObject({ id: commit });
  });

  it('that is refused is not seen: the next good one goes on from the one before', async () => {
    const all = signers();
    const first = all.sign('alice');
    const source = await openSsh(all);
    await found(source);
    all.upstream.git('reset', '-q', '--hard', 'HEAD~1');
    const refused = all.upstream.commit({ x: 'x' });
    expect(await look(source)).toMatchObject({ kind: 'refused', commit: refused });
    const to = all.sign('alice');
    expect((await found(source)).rewritten).toEqual({ from: first, to });
  });
});

/** A keyring with keys of these names; nothing of it stays in memory. */
function keyring(...names: string[]): { readonly env: typeof ENV & { readonly GNUPGHOME: string }; gpg(...args: string[]): string } {
  // Sockets have short paths.
  const home = join(folder(), 'g');
  mkdirSync(home, { mode: 0o700 });
  const env = { ...ENV, GNUPGHOME: home };
  const gpg = (...args: string[]): string =>
    execFileSync('gpg', ['--batch', '--yes', '--quiet', '--passphrase', '', ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  onTestFinished(() => void execFileSync('gpgconf', ['--kill', 'all'], { env }));
  for (const name of names)
    gpg('--pinentry-mode', 'loopback', '--quick-gen-key', `${name} <${name}@example.org>`, 'ed25519', 'sign', 'never');
  return { env, gpg };
}

function signGpg(upstream: Repository, env: Record<string, string | undefined>, name: string): string {
  const args = [
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@example.org',
    '-c',
    `user.signingkey=${name}@example.org`,
    'commit',
    '-q',
    '-S',
    '--allow-empty',
    '-m',
    name,
  ];
  execFileSync('git', args, { cwd: upstream.dir, env, stdio: 'ignore' });
  return upstream.head();
}

// Debian: apt-get install gnupg.
describe.skipIf(!has('gpg', '--version'))('With verify: gpg, a commit', () => {
  it('of a key in the keyring is found; one of another key, or of none, is refused', async () => {
    const upstream = repository();
    const [mine, theirs] = [keyring('bob'), keyring('mallory')];
    const source = await open(upstream.dir, { env: mine.env, git: { verify: 'gpg' } });
    expect(await trouble(source)).toMatchObject({ kind: 'refused', code: 'git-not-signed' });
    const commit = signGpg(upstream, mine.env, 'bob');
    expect(await found(source)).toMatchObject({ id: commit, about: { signer: 'bob <bob@example.org>' } });
    signGpg(upstream, theirs.env, 'mallory');
    expect(await trouble(source)).toMatchObject({ kind: 'refused', code: 'git-unknown-signer' });
  });

  it('is refused where its key is revoked, or has expired since', async () => {
    const upstream = repository();
    const { env, gpg } = keyring('bob');
    const source = await open(upstream.dir, { env, git: { verify: 'gpg' } });
    const bob = signGpg(upstream, env, 'bob');
    expect(await found(source)).toMatchObject({ id: bob });
    revoke(env, /^fpr:+(\w+):/m.exec(gpg('--with-colons', '--list-keys'))?.[1] ?? '');
    expect(await trouble(source)).toMatchObject({ kind: 'refused', code: 'git-signer-revoked' });
    const then = ['--faked-system-time', '20200101T000000'];
    gpg(...then, '--pinentry-mode', 'loopback', '--quick-gen-key', 'carol <carol@example.org>', 'ed25519', 'sign', '1d');
    const program = join(env.GNUPGHOME, 'then');
    writeFileSync(program, `#!/bin/sh\nexec gpg ${then.join(' ')} "$@"\n`, { mode: 0o755 });
    upstream.git('config', 'gpg.program', program);
    signGpg(upstream, env, 'carol');
    expect(await trouble(source)).toMatchObject({ kind: 'refused', code: 'git-signer-expired' });
  });
});

describe('What gpg tells', () => {
  const good = ['NEWSIG', 'GOODSIG 1234 Bob <bob@x>', 'VALIDSIG ABCD', 'TRUST_UNDEFINED'];
  const said = (...lines: string[]): string => lines.map((line) => `[GNUPG:] ${line}\n`).join('');

  it.each([
    [good, { signer: 'Bob <bob@x>' }],
    [[...good, 'TRUST_NEVER'], { code: 'git-unknown-signer' }],
    [[...good, ...good], { code: 'git-bad-signature' }],
    [[...good, 'BADSIG 1 Eve'], { code: 'git-bad-signature' }],
    [['NEWSIG', 'EXPSIG 1 Bob'], { code: 'git-signer-expired' }],
    [['NEWSIG', 'ERRSIG 1234 22 8 00 1 9 A', 'NO_PUBKEY 1234'], { code: 'git-unknown-signer', found: 'key 1234' }],
    [[], { code: 'git-bad-signature' }],
  ])('%j is read as %j', (lines, judged) => {
    expect(judgeGpg(said(...lines))).toMatchObject(judged);
  });
});

describe.skipIf(!has('gpg', '--version') || !has('ssh-keygen', '-?'))('A good signature of the other kind', () => {
  it('counts for nothing, in either direction', async () => {
    const all = signers();
    const { env } = keyring('bob');
    signGpg(all.upstream, env, 'bob');
    expect(await trouble(await open(all.upstream.dir, { file: all.file, env, git: { verify: 'ssh' } }))).toMatchObject({
      code: 'git-other-signature',
    });
    all.sign('alice');
    expect(await trouble(await open(all.upstream.dir, { file: all.file, env, git: { verify: 'gpg' } }))).toMatchObject({
      code: 'git-other-signature',
    });
    all.upstream.commit({ 'llmops.yaml': TEXT });
    expect(await trouble(await open(all.upstream.dir, { file: all.file, env, git: { verify: 'gpg' } }))).toMatchObject({
      code: 'git-not-signed',
    });
  });
});

/** By the certificate that gpg makes with every key, made usable as its text says. */
function revoke(env: { readonly GNUPGHOME: string }, fingerprint: string): void {
  const path = join(env.GNUPGHOME, 'openpgp-revocs.d', `${fingerprint}.rev`);
  const input = readFileSync(path, 'utf8').replace(':-----BEGIN', '-----BEGIN');
  execFileSync('gpg', ['--batch', '--import'], { env, input, stdio: ['pipe', 'ignore', 'ignore'] });
}
