import { spawn, type ChildProcess } from 'node:child_process';

/** What to ask, and for how long and how much. */
export interface Question {
  readonly file: string;
  readonly args: readonly string[];
  /** Environment variables as the program gets them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly deadlineMs: number;
  /** Of what it writes to one stream; a program that writes more is ended. */
  readonly limitBytes: number;
  /** Aborted: nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

/** How it came to an end: by itself, by the deadline, by too much output, by nobody waiting for it, or never begun. */
export type Ending = 'ended' | 'late' | 'too-much' | 'cancelled' | 'not-started';

/** What a program said, and how that ended. */
export interface Answer {
  readonly how: Ending;
  /** Null: it was ended, or died of a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Groups that run just now, by the pid of their leader. */
const running = new Set<number>();
let isWatched = false;

/**
 * Runs a program that should end soon by itself. It gets a group of its own, because what is named may be a script that waits for
 * another program: when it is given up, all that it started is ended with it, and no less when this process exits. So it has no
 * terminal to ask a person on. Never rejects, and is settled by the deadline even if somebody else holds the pipes open.
 */
export function askProgram(question: Question): Promise<Answer> {
  if (question.signal?.aborted) return Promise.resolve(nothing('cancelled'));
  const child = start(question);
  return child === null ? Promise.resolve(nothing('not-started')) : answerOf(child, question);
}

const nothing = (how: Ending): Answer => ({ how, code: null, stdout: '', stderr: '' });

function answerOf(child: ChildProcess, { deadlineMs, limitBytes, signal }: Question): Promise<Answer> {
  const said = { stdout: '', stderr: '' };
  return new Promise((resolve) => {
    const giveUp = (how: Ending): void => {
      endGroup(child.pid);
      settle(how);
    };
    const cancel = (): void => giveUp('cancelled');
    const timer = setTimeout(() => giveUp('late'), deadlineMs);
    signal?.addEventListener('abort', cancel, { once: true });
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
        said[name] += chunk;
        if (said[name].length > limitBytes) giveUp('too-much');
      });
    }
    child.on('error', () => settle('not-started'));
    child.on('close', (code) => settle('ended', code));
    function settle(how: Ending, code: number | null = null): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      if (child.pid !== undefined) running.delete(child.pid);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve({ how, code, ...said });
    }
  });
}

/** Null: what it would be given is nothing that a program can be given. Without descriptors left it comes without streams, and with an error. */
function start({ file, args, env, cwd }: Question): ChildProcess | null {
  try {
    const child = spawn(file, args, { cwd, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    watch(child.pid);
    return child;
  } catch {
    return null;
  }
}

function watch(pid: number | undefined): void {
  if (pid === undefined) return;
  running.add(pid);
  if (isWatched) return;
  isWatched = true;
  process.on('exit', () => running.forEach(endGroup));
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in the meantime.
  }
}
