import { basename } from 'node:path';
import type { Desired } from '../domain/desired.ts';
import type { Problem } from '../domain/problem.ts';
import { readStackFile } from '../files/stack-files.ts';
import type { StackPlace, Surroundings } from './surroundings.ts';
import { stackPaths, type StackPaths } from './paths.ts';
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
