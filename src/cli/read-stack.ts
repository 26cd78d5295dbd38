import { basename } from 'node:path';
import type { Desired } from '../domain/desired.ts';
import type { Problem } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { stackPaths, type StackPaths } from './paths.ts';
import { readStackFile, sha256 } from './session.ts';

/** A stack's file as it was read; valid or not. */
export interface ReadStack {
  readonly paths: StackPaths;
  /** Null: not valid, see the problems. */
  readonly desired: Desired | null;
  readonly problems: readonly Problem[];
}

/** Which overlay is meant: `--env`, else LLMOPS_ENV. */
export function environmentOf(context: CliContext, flags: StackFlags): string | null {
  return flags.env ?? (context.env['LLMOPS_ENV'] || null);
}

/** Reads and checks the file that the flags name, and nothing besides it. Throws a ProblemError if it cannot be read. */
export async function readStack(
  context: CliContext,
  flags: StackFlags,
  environment: string | null = environmentOf(context, flags),
): Promise<ReadStack> {
  const paths = stackPaths(context, flags);
  const bytes = await readStackFile(paths);
  const { readConfig } = await import('../config/index.ts');
  return { paths, ...readConfig({ file: paths.shown, bytes, folderName: basename(paths.baseDir), environment, hash: sha256 }) };
}
