import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openGitSource } from '../../../src/source/git/index.ts';
import { ENV, folder, found, gitAt, look, open, repository, trouble, type Opening } from './repositories.ts';

async function refusal(remote: string, opening: Opening = {}): Promise<string> {
  return open(remote, opening).then(
    () => 'opened',
    (error: { problem?: { code: string } }) => error.problem?.code ?? String(error),
  );
}

describe('What is followed', () => {
  it('can be a remote of the repository here by its name', async () => {
    const upstream = repository();
    const here = join(folder(), 'clone');
    gitAt(upstream.dir)('clone', '-q', upstream.dir, here);
    const source = await open('origin', { file: join(here, 'llmops.yaml') });
    const pushed = upstream.commit({ more: 'm' });
    expect(await found(source)).toMatchObject({ id: pushed });
    expect(source.shown).toBe(`main of ${upstream.dir}`);
  });

  it('can be the repository here: what is committed counts, and not what is written', async () => {
    const upstream = repository();
    writeFileSync(join(upstream.dir, 'llmops.yaml'), 'not committed\n');
    const source = await open('.', { file: join(upstream.dir, 'llmops.yaml') });
    expect(await found(source)).toMatchObject({ id: upstream.head() });
    expect(source.shown).toBe(`main of ${upstream.dir}`);
  });

  it('can be the repository here from a work tree beside it', async () => {
    const upstream = repository();
    const beside = join(folder(), 'beside');
    upstream.git('worktree', 'add', '-q', '-b', 'other', beside);
    expect(await found(await open('.', { file: join(beside, 'llmops.yaml') }))).toMatchObject({ id: upstream.head() });
  });

  it('can be a path from here, or from home', async () => {
    const upstream = repository();
    const here = folder();
    const file = join(here, 'llmops.yaml');
    expect(await found(await open(relative(here, upstream.dir), { file }))).toMatchObject({ id: upstream.head() });
    expect(await found(await open('~/', { file, env: { HOME: upstream.dir } }))).toMatchObject({ id: upstream.head() });
  });

  it('goes by the names for addresses that the repository here has', async () => {
    const upstream = repository();
    const here = repository();
    here.git('config', `url.${upstream.dir}.insteadOf`, 'https://models.example/');
    here.git('remote', 'add', 'origin', 'https://models.example/');
    expect(await found(await open('origin', { file: join(here.dir, 'llmops.yaml') }))).toMatchObject({ id: upstream.head() });
  });

  it('is named in a problem if it is nothing that is known', async () => {
    const here = repository();
    expect(await refusal('upstream', { file: join(here.dir, 'llmops.yaml') })).toBe('git-no-remote');
    expect(await refusal('origin')).toBe('git-no-remote');
    expect(await refusal('.')).toBe('git-no-remote');
  });

  it('is nothing that git takes for an option or a program', async () => {
    const ran = join(folder(), 'ran');
    const hostile = ['--upload-pack=touch', '-x', `ext::sh -c "touch ${ran}"`, 'fd::3', '', 'a\nb', 'evil://host/x', 'http::https://x/y'];
    for (const remote of hostile) expect(await refusal(remote), remote).toBe('git-remote-refused');
    const here = repository();
    here.git('config', 'remote.evil.url', `ext::sh -c "touch ${ran}"`);
    expect(await refusal('evil', { file: join(here.dir, 'llmops.yaml') })).toBe('git-remote-refused');
    for (const remote of [`ssh://-oProxyCommand=touch ${ran}/x`, `-oProxyCommand=touch@host:x`, `x@-oProxyCommand=touch:x`]) {
      const opened = await open(remote).catch(() => null);
      if (opened !== null) expect(await trouble(opened), remote).toMatchObject({ code: 'git-unavailable' });
    }
    here.git('config', `url.ext::sh -c "touch ${ran}" %S .insteadOf`, 'https://models.example/');
    here.git('config', 'protocol.ext.allow', 'always');
    expect(await trouble(await open('https://models.example/x', { file: join(here.dir, 'llmops.yaml') }))).toMatchObject({
      code: 'git-unavailable',
    });
    expect(existsSync(ran)).toBe(false);
  });

  it('is a branch by a name that git knows as one', async () => {
    for (const branch of [
      '-x',
      '--upload-pack=touch',
      'a:b',
      'a..b',
      '*',
      '',
      'a b',
      'a.lock',
      '/a',
      'a/',
      'a//b',
      '@{u}',
      'a~1',
      'a\n',
      '.a',
      'a/.b',
      'a.',
      '@',
    ]) {
      expect(await refusal(folder(), { git: { branch } }), branch).toBe('git-branch-name');
    }
    const upstream = repository();
    for (const branch of ['feature/x-1', 'ünïcode', 'a@b', 'x.y', "it's;$(touch_x)"]) {
      upstream.git('branch', '-q', branch);
      expect(await found(await open(upstream.dir, { git: { branch } })), branch).toMatchObject({ id: upstream.head() });
    }
  });

  it('is the branch itself, and no other reference that ends like it', async () => {
    const upstream = repository();
    upstream.git('update-ref', 'refs/remotes/refs/heads/gone', 'HEAD');
    expect(await trouble(await open(upstream.dir, { git: { branch: 'gone' } }))).toMatchObject({ code: 'git-branch-gone' });
  });

  it('is not what variables of git name', async () => {
    const [upstream, other] = [repository(), repository()];
    other.commit({ other: 'o' });
    const env = { GIT_DIR: join(other.dir, '.git'), GIT_WORK_TREE: other.dir, GIT_NAMESPACE: 'x', GIT_INDEX_FILE: '/nonexistent' };
    expect(await found(await open('.', { file: join(upstream.dir, 'llmops.yaml'), env }))).toMatchObject({ id: upstream.head() });
  });
});

describe('Git', () => {
  it('that is missing is a problem of its own', async () => {
    expect(await refusal(folder(), { env: { PATH: '/nonexistent' } })).toBe('git-missing');
  });

  it('that goes on for ever is left by who gives up', async () => {
    const upstream = repository();
    const bin = folder();
    const source = await open(upstream.dir, { env: { PATH: `${bin}:${process.env['PATH']}` } });
    const asked = join(bin, 'asked');
    script(join(bin, 'git'), `echo >> ${asked}; exec /bin/sleep 600`);
    const ending = new AbortController();
    const looks = [source.look(ending.signal), source.look(ending.signal)];
    const outcome = Promise.allSettled(looks);
    while (!existsSync(asked)) await new Promise((next) => setTimeout(next, 5));
    ending.abort(new Error('enough'));
    expect((await outcome).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(source.look(AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    script(join(bin, 'git'), `exec ${gitPath()} "$@"`);
    expect(await found(source)).toMatchObject({ id: upstream.head() });
  });

  it('gets ssh as the person and the repository have it, and one that asks nobody', async () => {
    const bin = folder();
    const said = join(bin, 'said');
    script(join(bin, 'ssh'), `echo "ssh $*" >> ${said}; exit 255`);
    script(join(bin, 'mine'), `echo "mine $*" >> ${said}; exit 255`);
    const PATH = `${bin}:${process.env['PATH']}`;
    const here = repository();
    const file = join(here.dir, 'llmops.yaml');
    expect(await trouble(await open('ssh://git@models.example/x', { file, env: { PATH } }))).toMatchObject({ code: 'git-unavailable' });
    await look(await open('git@models.example:x', { file, env: { PATH, GIT_SSH_COMMAND: 'ssh -i key' } }));
    await look(await open('git@models.example:x', { file, env: { PATH, GIT_SSH_COMMAND: 'mine --flag' } }));
    here.git('config', 'core.sshCommand', 'mine -r');
    await look(await open('git@models.example:x', { file, env: { PATH } }));
    const lines = gitAt(bin)('grep', '--no-index', '-h', '', 'said')
      .split('\n')
      .filter((line) => !line.includes(' -G '));
    expect(lines[0]).toMatch(/^ssh -oBatchMode=yes .*git@models\.example/);
    expect(lines[1]).toMatch(/^ssh -i key -oBatchMode=yes /);
    expect(lines[2]).toMatch(/^mine --flag /);
    expect(lines[3]).toMatch(/^mine -r /);
  });

  it('reaches a repository by ssh', async () => {
    const upstream = repository();
    const bin = folder();
    // Instead of another machine, this one: what git asks ssh to run there stands last.
    script(join(bin, 'ssh'), 'for last; do :; done; exec sh -c "$last"');
    const source = await open(`ssh://git@models.example${upstream.dir}`, { env: { PATH: `${bin}:${process.env['PATH']}` } });
    expect(source.shown).toBe(`main of ssh://git@models.example${upstream.dir}`);
    const { id: from } = await found(source);
    upstream.git('commit', '-q', '--amend', '-m', 'other');
    expect((await found(source)).rewritten).toEqual({ from, to: upstream.head() });
  });

  it('keeps no process alive by what is watched', async () => {
    const upstream = repository();
    const module = join(import.meta.dirname, '../../../src/source/git/index.ts');
    const program = `
      const { openGitSource } = await import(${JSON.stringify(module)});
      const options = { file: ${JSON.stringify(join(upstream.dir, 'llmops.yaml'))}, mirrorDir: ${JSON.stringify(join(folder(), 'm'))}, env: process.env, jitter: () => 0 };
      const source = await openGitSource({ ...options, git: { remote: '.', branch: 'main', pollMs: 3_600_000, verify: 'none' } });
      await source.watch(() => {});
      console.log((await source.look(new AbortController().signal)).kind);`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env: ENV });
    expect((await run).stdout).toBe('found\n');
  });

  it('gives the folder of llmops.yaml no say in what lies in the mirror', async () => {
    const upstream = repository();
    const mirrorDir = join(upstream.dir, '.llmops/mirror');
    mkdirSync(mirrorDir, { recursive: true });
    const source = await openGitSource({
      file: join(upstream.dir, 'llmops.yaml'),
      git: { remote: '.', branch: 'main', pollMs: 3_600_000, verify: 'none' },
      mirrorDir,
      env: ENV,
      jitter: () => 0,
    });
    expect(await found(source)).toMatchObject({ id: upstream.head() });
  });
});

function script(path: string, body: string): void {
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
}

const gitPath = (): string => join(gitAt(folder())('--exec-path'), 'git');
