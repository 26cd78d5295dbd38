import { homedir } from 'node:os';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { ProblemError } from '../domain/problem.ts';
import type { StackPlace, Surroundings } from './surroundings.ts';

/** Where a stack's file lies. */
export interface StackPaths {
  /** Absolute path of llmops.yaml. */
  readonly file: string;
  /** The same as people typed it, or relative to where they are. */
  readonly shown: string;
  /** Absolute folder of the file: relative paths in it start here. */
  readonly baseDir: string;
}

/** Finds the stack's file from `-C` and `-f`. Does not look whether it exists. */
export function stackPaths(context: Surroundings, flags: StackPlace): StackPaths {
  const dir = resolve(context.cwd, flags.chdir ?? '.');
  const file = resolve(dir, flags.file ?? 'llmops.yaml');
  const near = relative(context.cwd, file);
  // In `/`, where a service manager starts what names no folder, it would be the whole path without its first stroke.
  const isFar = near.startsWith('..') || dirname(context.cwd) === context.cwd;
  return { file, shown: isFar ? file : near, baseDir: dirname(file) };
}

/** The lock that belongs to a stack's file, beside it: `llmops.lock` to `llmops.yaml`. */
export function lockPathOf(file: string): string {
  return `${file.replace(/\.ya?ml$/i, '')}.lock`;
}

/** A path that was given as a flag or argument: like the stack's file it is looked for in the folder of `-C`. */
export function pathIn(context: Surroundings, flags: Pick<StackPlace, 'chdir'>, path: string): string {
  return resolve(context.cwd, flags.chdir ?? '.', path);
}

/** Folder of a stack's state: `--state-dir`, or `$XDG_STATE_HOME/llmops/<stack>`. */
export function stateDirOf(context: Surroundings, flags: StackPlace, stack: string): string {
  return flags.stateDir ? pathIn(context, flags, flags.stateDir) : join(stateHomeOf(context), stack);
}

/** Folder of all stacks' states, but for those of `--state-dir`. */
export function stateHomeOf(context: Surroundings): string {
  return join(xdg(context, 'XDG_STATE_HOME', '.local/state'), 'llmops');
}

/** Folder for what may be lost at any time, shared by all stacks. */
export function cacheDirOf(context: Surroundings): string {
  return join(xdg(context, 'XDG_CACHE_HOME', '.cache'), 'llmops');
}

/** A base folder of the XDG specification; relative values are ignored, as it demands. */
function xdg(context: Surroundings, variable: string, fallback: string): string {
  const value = context.env[variable];
  if (value && isAbsolute(value)) return value;
  const home = context.env['HOME'] || safeHome();
  if (!home) {
    throw new ProblemError({
      code: 'no-home',
      summary: `Neither ${variable} nor HOME is set, so llmops does not know where to keep its state.`,
      fix: `Set HOME, or ${variable}, or give --state-dir.`,
    });
  }
  return join(home, fallback);
}

function safeHome(): string | null {
  try {
    return homedir();
  } catch {
    return null;
  }
}
