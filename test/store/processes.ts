import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { FetcherLine, FetcherTask } from './fetcher.ts';
import { QUICK } from './shelf.ts';

const FETCHER = fileURLToPath(new URL('fetcher.ts', import.meta.url));

/** A process that fetches. */
export interface Fetcher {
  /** Everything it told so far. */
  readonly lines: readonly FetcherLine[];
  /** Resolves with the first line, told already or still to come, for which this is true; rejects if it ends without one. */
  until(wanted: (line: FetcherLine) => boolean): Promise<FetcherLine>;
  kill(signal: NodeJS.Signals): void;
  /** Waits for its end. */
  ended(): Promise<void>;
}

/** Starts one. It is gone when the test is over. */
export function startFetcher(task: Omit<FetcherTask, 'tuning'> & Partial<FetcherTask>): Fetcher {
  const child = spawn(process.execPath, [FETCHER, JSON.stringify({ tuning: QUICK, ...task })], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => end(child));
  const lines: FetcherLine[] = [];
  const waiting = new Set<() => void>();
  const ended = once(child, 'close').then(() => undefined);
  createInterface(child.stdout).on('line', (line) => {
    lines.push(JSON.parse(line) as FetcherLine);
    for (const look of waiting) look();
  });
  return {
    lines,
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find(wanted);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`it ended: ${JSON.stringify(lines.at(-1))}`)));
      }),
    kill: (signal) => void child.kill(signal),
    ended: () => ended,
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
