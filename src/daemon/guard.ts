import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { ProblemError } from '../domain/problem.ts';
import type { Source } from '../source/types.ts';
import { GUARD, isDaemonAlive, readHolds, tryGuardLock } from '../state/index.ts';
import { runDaemon, type DaemonOptions } from './index.ts';

/** How a guard is called: the flags of `up`, and this one. */
export const GUARD_FLAG = '--guard';
/** Looks are this far apart, in milliseconds. */
const LOOK_MS = 1000;
/** A service manager has this long to bring the daemon back, in milliseconds. */
const GRACE_MS = 15_000;

/**
 * Starts a process that outlives the daemon while a release is watched: dead in the cut-over, a daemon cannot go back, and without
 * a service manager nobody else would. It ends by itself. `args`: of `llmops`, for this very stack.
 */
export function startGuard(args: readonly string[], env: DaemonOptions['context']['env']): void {
  const [main = ''] = process.argv.slice(1);
  const child = spawn(process.execPath, [...process.execArgv, main, 'up', GUARD_FLAG, ...args], {
    detached: true,
    stdio: 'ignore',
    env: { ...env },
  });
  child.on('error', () => undefined); // the daemon watches as well
  child.unref();
}

/**
 * Waits while the daemon lives. Dead for a while with a release still watched, it takes the daemon's place, as long as
 * that release is watched and no longer, and follows nothing meanwhile.
 */
export async function guard(options: Omit<DaemonOptions, 'source' | 'ready' | 'webhook'>): Promise<void> {
  const { stateDir, context } = options;
  const lock = await tryGuardLock(stateDir);
  if (lock === null) return; // another one guards
  try {
    if (await isNeeded(stateDir, context.signal)) await standIn(options);
  } finally {
    lock.release();
  }
}

/** False: what was watched is decided, or the daemon was told to end. */
async function isNeeded(stateDir: string, signal: AbortSignal): Promise<boolean> {
  let deadSince: number | null = null;
  while (!signal.aborted) {
    const { bake } = (await readHolds(stateDir)).holds;
    if (bake === null || bake.unwatched) return false;
    if (await isDaemonAlive(stateDir)) deadSince = null;
    else deadSince ??= performance.now();
    if (deadSince !== null && performance.now() - deadSince >= GRACE_MS) return true;
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

async function standIn(options: Omit<DaemonOptions, 'source' | 'ready' | 'webhook'>): Promise<void> {
  const end = new AbortController();
  const context = { ...options.context, signal: AbortSignal.any([options.context.signal, end.signal]) };
  const ready: DaemonOptions['ready'] = (picture) => {
    const timer = setInterval(() => {
      const { bake, phase, waiting } = picture();
      if (bake !== null || phase !== 'idle' || waiting.length > 0) return;
      clearInterval(timer);
      end.abort();
    }, LOOK_MS);
  };
  await runDaemon({ ...options, command: GUARD, context, webhook: null, source: nothing(), ready }).catch((error: unknown) => {
    if (!(error instanceof ProblemError && error.problem.code === 'daemon-runs')) throw error; // it came back just now
  });
}

/** Follows nothing: what was declared last is the daemon's to know. */
function nothing(): Source {
  const problem = {
    severity: 'info',
    code: 'no-daemon',
    summary: 'A guard stands in for an llmops up that is gone: it watches what that applied last, follows nothing, and then ends.',
    fix: 'Start the daemon again: llmops up',
  } as const;
  return {
    shown: 'nothing, in the place of an llmops up that is gone',
    look: async () => ({ kind: 'unavailable', problem }),
    watch: async () => ({ close: async () => undefined }),
  };
}
