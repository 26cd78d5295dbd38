import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { isOutOfFiles, ProblemError, problemOf } from '../../domain/problem.ts';
import type { Command } from './engine.ts';
import { openLog } from './logs.ts';
import { MARKER } from './marker.ts';

export interface Launch {
  readonly command: Command;
  readonly marker: string;
  readonly logFile: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called when the process ends while this one still runs; null code: ended by a signal. */
  readonly onExit: (pid: number, code: number | null) => void;
}

/**
 * Starts a process that outlives this one: a session and group of its own, no input, output appended to its log. It
 * carries its marker from its first instruction on, so there is no moment in which it runs unknown.
 */
export async function launch(options: Launch): Promise<number> {
  const log = openLog(options.logFile);
  try {
    const child = privately(() =>
      spawn(options.command.file, options.command.args, {
        cwd: options.cwd,
        detached: true,
        stdio: ['ignore', log ?? 'ignore', log ?? 'ignore'],
        env: { ...options.env, ...options.command.env, [MARKER]: options.marker } as NodeJS.ProcessEnv,
      }),
    );
    await new Promise<void>((started, failed) => {
      child.once('spawn', started);
      child.once('error', (error) => failed(cannotStart(options.command.file, error)));
    });
    const pid = child.pid as number;
    child.once('exit', (code) => options.onExit(pid, code));
    child.unref();
    return pid;
  } finally {
    if (log !== null) closeSync(log);
  }
}

/** Files that the process makes are for its owner alone. A worker thread may not change the mask; there it stays as it is. */
function privately<T>(act: () => T): T {
  if (!isMainThread) return act();
  const before = process.umask(0o077);
  try {
    return act();
  } finally {
    process.umask(before);
  }
}

function cannotStart(file: string, error: NodeJS.ErrnoException): ProblemError {
  if (isOutOfFiles(error)) return new ProblemError(problemOf(error), error);
  return new ProblemError(
    {
      code: 'engine-cannot-start',
      summary: `${file} could not be started: ${error.code ?? error.message}. Nothing else was changed.`,
      fix: 'See that the file is there, may be executed, and was built for this machine; `llmops doctor` looks at all three.',
    },
    error,
  );
}
