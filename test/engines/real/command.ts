import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Ended } from '../../promises/stack.ts';

/** The launcher, as users call it. */
export const BIN = join(import.meta.dirname, '../../../bin/llmops');

/** A command of llmops that runs. */
export interface Running {
  readonly pid: number;
  /** What it has written so far, of both streams. */
  text(): string;
  isOver(): boolean;
  readonly ended: Promise<Ended>;
}

export interface CommandOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** In a session and group of its own. */
  readonly detached?: boolean;
}

/** Starts bin/llmops, which hands its process over to Node: the pid is llmops' own. */
export function startCommand(args: readonly string[], options: CommandOptions): Running {
  const child = spawn(BIN, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  let isOver = false;
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      isOver = true;
      resolve({ code, stdout, stderr });
    });
  });
  return { pid: child.pid as number, text: () => stdout + stderr, isOver: () => isOver, ended };
}
