import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openGitSource, type GitOptions } from '../../../src/source/git/index.ts';
import type { Revision, Source, SourceLook } from '../../../src/source/types.ts';

export const TEXT = 'version: 1\n';

/** A temporary folder that goes with the test. */
export function folder(): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'llmops-source-')));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}

/** As a person has it whose own files say nothing. */
export const ENV = { PATH: process.env['PATH'], HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' };

export interface Repository {
  readonly dir: string;
  git(...args: string[]): string;
  /** Writes files and commits them; resolves to the commit. */
  commit(files: Readonly<Record<string, string | Buffer>>, ...flags: string[]): string;
  head(): string;
}

/** A git of a person named t. */
export function gitAt(dir: string, env: Readonly<Record<string, string | undefined>> = ENV): (...args: string[]) => string {
  const config = ['user.name=t', 'user.email=t@example.org'].flatMap((one) => ['-c', one]);
  return (...args) =>
    execFileSync('git', [...config, ...args], { cwd: dir, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

export function repositoryAt(dir: string, env = ENV): Repository {
  const git = gitAt(dir, env);
  const head = (): string => git('rev-parse', 'HEAD');
  const commit: Repository['commit'] = (files, ...flags) => {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), content);
    }
    git('add', '-A');
    git('commit', '-q', '--allow-empty', '-m', 'change the stack', ...flags);
    return head();
  };
  return { dir, git, head, commit };
}

/** A repository on branch main with llmops.yaml. */
export function repository(files: Readonly<Record<string, string | Buffer>> = { 'llmops.yaml': TEXT }, ...flags: string[]): Repository {
  const made = repositoryAt(folder());
  made.git('init', '-q', '-b', 'main', ...flags);
  made.commit(files);
  return made;
}

/** What differs from: main of the repository itself, not verified, polled never. */
export interface Opening {
  readonly file?: string;
  readonly mirrorDir?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly seen?: string;
  readonly git?: Partial<GitOptions>;
}

/** A source that follows `remote`, opened from a folder that lies in no repository unless `file` says so. */
export function open(remote: string, { file, mirrorDir, env, seen, git }: Opening = {}): Promise<Source> {
  return openGitSource({
    file: file ?? join(folder(), 'llmops.yaml'),
    git: { remote, branch: 'main', pollMs: 3_600_000, verify: 'none', ...git },
    mirrorDir: mirrorDir ?? join(folder(), 'mirror'),
    env: { ...ENV, ...env },
    jitter: () => 0.5,
    ...(seen !== undefined && { seen }),
  });
}

export const look = (source: Source): Promise<SourceLook> => source.look(new AbortController().signal);

/** The state that a look finds; fails with the problem of one that finds none. */
export async function found(source: Source): Promise<Revision & { readonly rewritten?: { readonly from: string; readonly to: string } }> {
  const seen = await look(source);
  if (seen.kind !== 'found') throw new Error(`${seen.kind}: ${seen.problem.code} ${seen.problem.summary}`);
  return { ...seen.revision, ...(seen.rewritten && { rewritten: seen.rewritten }) };
}

/** The problem of a look that finds nothing to use. */
export async function trouble(source: Source): Promise<{ kind: string; code: string; summary: string; fix: string }> {
  const seen = await look(source);
  if (seen.kind === 'found') throw new Error(`found ${seen.revision.id}`);
  return { kind: seen.kind, code: seen.problem.code, summary: seen.problem.summary, fix: seen.problem.fix ?? '' };
}

/** The text of a state. */
export const textOf = (revision: Revision): string => Buffer.from(revision.text).toString();
