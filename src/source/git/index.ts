import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Source } from '../types.ts';
import { checkBranch } from './branch.ts';
import { environmentOf, askingNobody, type Env, type Setting } from './environment.ts';
import { follower } from './follow.ts';
import { gitIn } from './git.ts';
import { carried, homeOf, repositoryAt, settingOf, type Home } from './home.ts';
import { looker } from './look.ts';
import { makeFolder, mirrorIn } from './mirror.ts';
import { remoteOf, type Remote } from './remote.ts';
import { judgeOf, trustSettings, type Verify } from './signature.ts';
import { seenNote } from './seen.ts';
import { fileReader } from './tree.ts';
import { watchBranch } from './watch.ts';

/** What is followed, and how. */
export interface GitOptions {
  /** Name of a remote of the repository in which llmops.yaml lies, an address, a path, or `.` for that repository itself. */
  readonly remote: string;
  readonly branch: string;
  readonly pollMs: number;
  /** Whose signatures count: `ssh` by the file of allowed signers of this machine, `gpg` by the keyring of this person. */
  readonly verify: Verify;
  /** A branch that was rewritten is refused until it goes on from what was seen last. */
  readonly requireFastForward?: boolean;
  /** Where llmops.yaml lies in what is followed, from its top. Absent: as in the repository here, or at the top. */
  readonly path?: string;
}

/** What a source of git needs. */
export interface GitSourceOptions {
  /** llmops.yaml as llmops was started with, absolute; it need not be there. Its folder is. */
  readonly file: string;
  readonly git: GitOptions;
  /** A folder of ours alone, for a copy of the branch; made if it is not there. */
  readonly mirrorDir: string;
  readonly env: Env;
  /** From 0 to 1. */
  readonly jitter: () => number;
  /** The commit that was seen last. Absent: as an earlier process noted it beside the mirror. */
  readonly seen?: string;
}

/**
 * Follows llmops.yaml in a branch of a git repository. Nothing in a repository or work tree of other people is changed, and no
 * program that a repository brings is run. Throws a ProblemError if the remote or the branch is none that can be followed
 * (`git-no-remote`, `git-remote-refused`, `git-token-in-clear`, `git-branch-name`), git is missing (`git-missing`), or may not look
 * at the repository here (`git-home-unreadable`); what the network does comes with a look.
 */
export async function openGitSource({ file, git: options, mirrorDir, env, jitter, seen }: GitSourceOptions): Promise<Source> {
  const { branch } = options;
  checkBranch(branch);
  const home = await homeOf(file, env);
  const remote = remoteOf(options.remote, home, env);
  await makeFolder(mirrorDir);
  const folder = await realpath(mirrorDir);
  const git = gitIn(
    folder,
    { ...environmentOf(env, settingsOf(home, remote, env)), GIT_CEILING_DIRECTORIES: dirname(folder) },
    remote.redact,
  );
  const mirror = mirrorIn(folder, git, { url: remote.url, branch });
  const shown = `${branch} of ${remote.shown}`;
  const note = seenNote(folder, shown);
  const look = looker(
    {
      git,
      remote,
      branch,
      mirror,
      mirrorDir: folder,
      follow: follower(mirror),
      judge: judgeOf(options.verify, mirror, home, env),
      readFile: fileReader(mirror, env),
      stack: { path: options.path ?? `${home.repository?.prefix ?? ''}${basename(file)}`, shown },
      requireFastForward: options.requireFastForward ?? false,
      note,
    },
    seen ?? (await note.read()),
  );
  return {
    shown,
    look,
    watch: async (changed) => watchBranch({ pollMs: options.pollMs, jitter, branch, gitDir: await gitDirOf(remote, env) }, changed),
  };
}

/** What a git elsewhere than in the repository has to be told to reach the same remote as one in it. */
function settingsOf(home: Home, remote: Remote, env: Env): readonly Setting[] {
  const ssh = settingOf(home, 'core.sshcommand') ?? (env['GIT_SSH'] ? null : 'ssh');
  return [...carried(home), ...(ssh ? [['core.sshCommand', askingNobody(ssh)] as const] : []), ...trustSettings(home), ...remote.login];
}

/** Null: not on this machine, or no folder that git knows; a folder that only comes later is polled. */
async function gitDirOf({ path }: Remote, env: Env): Promise<string | null> {
  if (path === null) return null;
  return repositoryAt(path, env).then(
    (found) => found?.gitDir ?? null,
    () => null,
  );
}
