import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Desired } from '../domain/desired.ts';
import { ProblemError, type Problem } from '../domain/problem.ts';
import { MOST_TEXT_BYTES, readBounded } from './bounded-read.ts';
import type { StackPlace, Surroundings } from './surroundings.ts';
import { whyNotRead } from './file-reasons.ts';
import { notAFolder, stackPaths, type StackPaths } from './paths.ts';
import { sha256 } from './sha256.ts';

/** A stack's file as it was read; valid or not. */
export interface ReadStack {
  readonly paths: StackPaths;
  readonly text: string;
  /** Null: not valid, see the problems. */
  readonly desired: Desired | null;
  readonly problems: readonly Problem[];
}

/** Which overlay is meant: `--env`, else LLMOPS_ENV. */
export function environmentOf(context: Surroundings, flags: StackPlace): string | null {
  return flags.env ?? (context.env['LLMOPS_ENV'] || null);
}

/** Reads and checks the file that the flags name, and nothing besides it. Throws a ProblemError if it cannot be read. */
export async function readStack(
  context: Surroundings,
  flags: StackPlace,
  environment: string | null = environmentOf(context, flags),
): Promise<ReadStack> {
  const paths = stackPaths(context, flags);
  return { paths, ...(await checkText(paths, await readStackFile(paths), environment)) };
}

/** Checks a text as if it stood in the stack's file. */
export async function checkText(paths: StackPaths, bytes: Uint8Array, environment: string | null): Promise<Omit<ReadStack, 'paths'>> {
  const { readConfig } = await import('../config/index.ts');
  const read = readConfig({ file: paths.shown, bytes, folderName: basename(paths.baseDir), environment, hash: sha256 });
  return { text: new TextDecoder().decode(bytes), ...read };
}

/** Reads llmops.yaml; a missing one gets the answer a newcomer needs. */
async function readStackFile(paths: StackPaths): Promise<Uint8Array> {
  try {
    if ((await stat(paths.file)).isDirectory()) throw isFolder(paths);
    return await readBounded(paths.file, MOST_TEXT_BYTES);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOENT' || code === 'ENOTDIR' ? (notAFolder(paths.baseDir) ?? noFile(paths)) : unreadable(paths, error);
  }
}

function isFolder(paths: StackPaths): ProblemError {
  return new ProblemError({
    code: 'no-stack-file',
    summary: `${paths.shown} is a folder, not a file.`,
    fix: 'Use -C to work in a folder, -f to name a file.',
  });
}

function noFile(paths: StackPaths): ProblemError {
  return new ProblemError({
    code: 'no-stack-file',
    summary: `There is no ${paths.shown} here.`,
    fix: 'Type `llmops init` to write a first one, or use -C FOLDER or -f FILE to say where it is.',
  });
}

function unreadable(paths: StackPaths, cause: unknown): ProblemError {
  return new ProblemError(
    {
      code: 'unreadable-stack-file',
      summary: `${paths.shown} cannot be read: ${whyNotRead(cause)}.`,
      fix: 'See that it is a file that this user may read, or name another with -f.',
    },
    cause,
  );
}
