import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { askProgram } from '../programs/index.ts';

/** Nobody waits for git: a slow disk or a network folder costs the commit in the history, not the apply. */
const DEADLINE_MS = 2000;
/** Two names of objects take 130. */
const LIMIT_BYTES = 4096;

const OBJECT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * The commit that is checked out where the file lies, `-dirty` if the text is not the file of that commit; null: no git, no
 * repository, no commit yet, or no answer in time. One question that runs no hook, filter or other program of the repository.
 */
export async function commitOf(file: string, text: string, env: Readonly<Record<string, string | undefined>>): Promise<string | null> {
  const [commit = '', blob = ''] = (await revParse(['HEAD', `HEAD:./${basename(file)}`], dirname(file), env)).split('\n');
  if (!OBJECT.test(commit)) return null;
  return blob === blobOf(text, commit.length) ? commit : `${commit}-dirty`;
}

/** All that it said, also where it could answer a part of the question only. Variables named GIT_* could name another repository. */
async function revParse(names: readonly string[], cwd: string, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));
  const question = { file: 'git', args: ['rev-parse', ...names], env: clean, cwd, deadlineMs: DEADLINE_MS, limitBytes: LIMIT_BYTES };
  return (await askProgram(question)).stdout;
}

/** The name of a file's content in a repository. Source: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects */
function blobOf(text: string, digits: number): string {
  const bytes = Buffer.from(text);
  return createHash(digits === 64 ? 'sha256' : 'sha1')
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest('hex');
}
