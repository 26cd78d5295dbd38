import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';

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
  /** It ends with this process even if that is killed, which costs a shell. For what may wait for a network, with a login in its environment. */
  readonly leashed?: true;
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
 * terminal to ask a person on. Killed, this process ends nothing: then only what is leashed ends. Never rejects, and is settled by the deadline even if somebody else holds the pipes open.
 */
export function askProgram(question: Question): Promise<Answer> {
  if (question.signal?.aborted) return Promise.resolve(nothing('cancelled'));
  const child = start(question);
  return child === null ? Promise.resolve(nothing('not-started')) : answerOf(child, question);
}

const nothing = (how: Ending): Answer => ({ how, code: null, stdout: '', stderr: '' });

function answerOf(child: ChildProcess, { deadlineMs, limitBytes, signal, leashed }: Question): Promise<Answer> {
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
    child.on('close', (code) => (leashed && code === NOT_FOUND ? settle('not-started') : settle('ended', code)));
    function settle(how: Ending, code: number | null = null): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      if (child.pid !== undefined) running.delete(child.pid);
      child.stdout?.destroy();
      child.stderr?.destroy();
      leashOf(child)?.destroy();
      resolve(how === 'not-started' ? nothing(how) : { how, code, ...said });
    }
  });
}

/**
 * One shell runs the program and another waits beside it for the end of a pipe, which comes when whoever holds the other end is gone,
 * however that went: then it kills the group, and so all that the program has started.
 */
const LEASH =
  '{ read -r x <&3 || kill -KILL 0; } >/dev/null 2>&1 & w=$!; "$@" 3<&-; c=$?; { kill "$w"; wait "$w"; } 2>/dev/null; exit "$c"';
const SHELL = '/bin/sh';
/** What a shell says of a program that is not there. Source: POSIX, Shell Command Language, 2.8.2 */
const NOT_FOUND = 127;

function leashOf(child: ChildProcess): { destroy(): unknown } | null {
  return child.stdio[3] ?? null;
}

/** Null: what it would be given is nothing that a program can be given. Without descriptors left it comes without streams, and with an error. */
function start({ file, args, env, cwd, leashed }: Question): ChildProcess | null {
  const options = { cwd, env: { ...env }, detached: true };
  try {
    const child =
      leashed && existsSync(SHELL)
        ? spawn(SHELL, ['-c', LEASH, SHELL, file, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
        : spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdio[3]?.on('error', () => undefined); // it ended first
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
