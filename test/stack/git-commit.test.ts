import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commitOf } from '../../src/stack/git-commit.ts';
import { who } from '../../src/stack/run-plan.ts';
import { newStage } from '../cli/stage.ts';

const ENV = { PATH: process.env['PATH'], HOME: '/nonexistent' };
const TEXT = 'version: 1 # é\n';

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'llmops-git-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function git(dir: string, ...args: string[]): string {
  const config = ['user.name=t', 'user.email=t@example.org', 'commit.gpgsign=false'].flatMap((one) => ['-c', one]);
  return execFileSync('git', [...config, ...args], { cwd: dir, env: ENV, encoding: 'utf8' }).trim();
}

function repository(dir = folder()): { readonly dir: string; readonly file: string; readonly head: string } {
  const file = join(dir, 'llmops.yaml');
  git(dir, 'init', '-q');
  writeFileSync(file, TEXT);
  git(dir, 'add', '.');
  git(dir, 'commit', '-qm', 'one');
  return { dir, file, head: git(dir, 'rev-parse', 'HEAD') };
}

describe('The commit of a stack file', () => {
  it('is the one checked out', async () => {
    const { file, head } = repository();
    expect(await commitOf(file, TEXT, ENV)).toBe(head);
  });

  it('is dirty where the applied text is not in it', async () => {
    const { file, head, dir } = repository();
    expect(await commitOf(file, `${TEXT}# edited\n`, ENV)).toBe(`${head}-dirty`);
    expect(await commitOf(join(dir, 'other.yaml'), TEXT, ENV)).toBe(`${head}-dirty`);
  });

  it('is null without a repository, a commit, or git', async () => {
    const dir = folder();
    expect(await commitOf(join(dir, 'llmops.yaml'), TEXT, ENV)).toBeNull();
    git(dir, 'init', '-q');
    expect(await commitOf(join(dir, 'llmops.yaml'), TEXT, ENV)).toBeNull();
    expect(await commitOf(repository().file, TEXT, { ...ENV, PATH: '/nonexistent' })).toBeNull();
    expect(await commitOf(join(dir, 'gone', 'llmops.yaml'), TEXT, ENV)).toBeNull();
  });

  it('is not that of a repository which a variable names', async () => {
    const [mine, other] = [repository(), folder()];
    git(other, 'init', '-q');
    expect(await commitOf(mine.file, TEXT, { ...ENV, GIT_DIR: join(other, '.git') })).toBe(mine.head);
  });

  it('is null where git does not answer in time', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'git'), '#!/bin/sh\nexec /bin/sleep 60\n');
    chmodSync(join(dir, 'git'), 0o755);
    expect(await commitOf(join(dir, 'llmops.yaml'), TEXT, { PATH: dir })).toBeNull();
  });

  it('stands in the history of an apply', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    git(stage.dir, 'init', '-q');
    git(stage.dir, 'add', 'llmops.yaml');
    git(stage.dir, 'commit', '-qm', 'one');
    await stage.command({ env: { PATH: process.env['PATH'] ?? '' } }).llmops('apply', '-y');
    const { generations } = JSON.parse((await stage.run('history', '--json')).stdout) as { generations: { source: { commit: string } }[] };
    expect(generations[0]?.source.commit).toBe(git(stage.dir, 'rev-parse', 'HEAD'));
  });
});

describe('Who did it', () => {
  const { username } = userInfo();
  it('is the person behind sudo', () => {
    expect(who({})).toBe(`${username}@${hostname()}`);
    expect(who({ SUDO_USER: 'a-person' })).toBe(`a-person (sudo ${username})@${hostname()}`);
    expect(who({ SUDO_USER: username })).toBe(`${username}@${hostname()}`);
  });
});
