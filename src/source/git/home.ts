import { dirname, resolve } from 'node:path';
import { ProblemError } from '../../domain/problem.ts';
import { askProgram, type Answer } from '../../programs/index.ts';
import { environmentOfHome, type Env, type Setting } from './environment.ts';
import { LOCAL_MS, noGit } from './git.ts';
import { plain, redactor, reasonOf } from './words.ts';

/** Where llmops.yaml lies on this machine, as git sees it. */
export interface Home {
  /** The folder of llmops.yaml, absolute. */
  readonly dir: string;
  /** The repository that it lies in; null: it lies in none. */
  readonly repository: Repository | null;
  /** The configuration in force there, in its order: that of the machine, of the person, of the repository. */
  readonly settings: readonly ScopedSetting[];
}

/** A repository on this machine. */
export interface Repository {
  /** Its folder for all work trees, absolute: `/home/alice/models/.git`. */
  readonly gitDir: string;
  /** Top of the work tree; of a bare repository its folder. */
  readonly top: string;
  /** From the top to the folder that was asked from: `stacks/home/`, or empty. */
  readonly prefix: string;
}

/** A setting, and whether it stands where every git of this person finds it, or only here. */
export interface ScopedSetting {
  readonly isLocal: boolean;
  readonly setting: Setting;
}

/** Keys that say how to reach and whom to trust. All others of a repository are about its own work tree. */
const CARRIED = /^(?:core\.(?:sshcommand|askpass|gitproxy)$|ssh\.|credential\.|http\.|url\.|gpg\.)/;

/** Asks git where `file` lies. Throws a ProblemError `git-missing`, or `git-home-unreadable` where git may not look. */
export async function homeOf(file: string, env: Env): Promise<Home> {
  const dir = dirname(file);
  const [repository, settings] = await Promise.all([repositoryAt(dir, env), settingsAt(dir, env)]);
  return { dir, repository, settings };
}

/** The repository that a folder lies in; null: in none. Throws as `homeOf`. */
export async function repositoryAt(dir: string, env: Env): Promise<Repository | null> {
  const answer = await ask(dir, env, ['rev-parse', '--path-format=absolute', '--git-common-dir', '--show-prefix', '--is-bare-repository']);
  if (answer.code !== 0) {
    if (/not a git repository/i.test(answer.stderr)) return null;
    throw unreadable(dir, answer);
  }
  const [gitDir = '', prefix = ''] = answer.stdout.split('\n');
  const top = await ask(dir, env, ['rev-parse', '--show-toplevel']);
  return { gitDir, prefix, top: top.code === 0 ? top.stdout.trimEnd() : gitDir };
}

/** What holds for the repository only, and is needed to reach a remote from elsewhere. */
export function carried(home: Home): readonly Setting[] {
  return home.settings.filter(({ isLocal, setting: [key] }) => isLocal && CARRIED.test(key)).map(({ setting }) => setting);
}

/** The value in force of a key, in lower case except for its middle part; null: not set. */
export function settingOf(home: Home, wanted: string): string | null {
  return home.settings.findLast(({ setting: [key] }) => key === wanted)?.setting[1] ?? null;
}

/** A file that a setting names, as git would find it from the top of the work tree; null: not set. */
export function fileSetting(home: Home, wanted: string): string | null {
  const value = settingOf(home, wanted);
  if (value === null || value === '') return null;
  return /^(?:~|%\()/.test(value) ? value : resolve(home.repository?.top ?? home.dir, value);
}

async function settingsAt(dir: string, env: Env): Promise<readonly ScopedSetting[]> {
  const answer = await ask(dir, env, ['config', '--list', '-z', '--show-scope']);
  if (answer.code !== 0) throw unreadable(dir, answer);
  const parts = answer.stdout.split('\0');
  return parts.flatMap((scope, index) => {
    const line = parts[index + 1];
    return index % 2 === 1 || line === undefined ? [] : [{ isLocal: !/^(?:system|global)$/.test(scope), setting: settingIn(line) }];
  });
}

/** `core.bare\ntrue`; a key without a value means true. */
function settingIn(line: string): Setting {
  const end = line.indexOf('\n');
  return end === -1 ? [line, 'true'] : [line.slice(0, end), line.slice(end + 1)];
}

async function ask(cwd: string, env: Env, args: readonly string[]): Promise<Answer> {
  const answer = await askProgram({ file: 'git', args, cwd, env: environmentOfHome(env), deadlineMs: LOCAL_MS, limitBytes: 2 ** 20 });
  if (answer.how === 'not-started') throw noGit();
  return answer;
}

function unreadable(dir: string, answer: Answer): ProblemError {
  return new ProblemError({
    code: 'git-home-unreadable',
    summary: `git cannot read the repository at ${dir}: ${plain(redactor([])(reasonOf(answer, LOCAL_MS)))}.`,
    fix: 'Mend what git names, then start again. Where the folder is of another person, that one can start llmops, or you tell git to trust it: git config --global --add safe.directory FOLDER',
  });
}
