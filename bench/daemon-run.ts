import { execFileSync, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { askStatus } from '../src/control/client.ts';
import type { DaemonPicture } from '../src/domain/daemon-picture.ts';
import { readEvents } from '../src/state/index.ts';
import type { WorldStack } from './world-stack.ts';

/** An event as the log has it. */
export interface Told {
  readonly type: string;
  readonly at: string;
  readonly [member: string]: unknown;
}

/** `llmops up` of a stack, as a process of its own. */
export interface DaemonRun {
  readonly pid: number;
  picture(): Promise<DaemonPicture | null>;
  events(): Promise<readonly Told[]>;
  /** The first event that fits and was told at or after this moment (milliseconds since 1970). Throws after a minute. */
  heard(fits: (event: Told) => boolean, since: number): Promise<Told>;
  /** Waits until it has nothing to do. */
  calm(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

const PATIENCE_MS = 60_000;

/** Starts the daemon and waits until it has brought the stack to where it is declared. */
export async function startDaemon(stack: WorldStack, args: readonly string[] = []): Promise<DaemonRun> {
  const run = await startAnyhow(stack, args);
  await run.calm();
  return run;
}

/** Starts the daemon and waits until it has looked once: the newest commit may be broken, and somebody may be at the engines. */
export async function startAnyhow(stack: WorldStack, args: readonly string[] = []): Promise<DaemonRun> {
  const run = runOf(stack, stack.spawn(['up', ...args]));
  await within(async () => ((await run.picture())?.roundMs ?? null) !== null || null);
  return run;
}

function runOf({ stateDir }: WorldStack, child: ChildProcess): DaemonRun {
  const picture = () => askStatus(stateDir);
  const events = async () => (await readEvents(stateDir, 100_000)) as readonly Told[];
  return {
    pid: child.pid ?? 0,
    picture,
    events,
    heard: (fits, since) => within(async () => (await events()).find((event) => Date.parse(event.at) >= since && fits(event)) ?? null),
    calm: async () => {
      await within(async () => {
        const now = await picture();
        return now !== null && now.phase === 'idle' && now.roundMs !== null && now.waiting.length === 0 && now.newest !== null ? now : null;
      });
    },
    kill: async (signal) => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await ended;
    },
  };
}

async function within<T>(ask: () => Promise<T | null>): Promise<T> {
  for (const until = performance.now() + PATIENCE_MS; performance.now() < until; await pause(10)) {
    const found = await ask();
    if (found !== null) return found;
  }
  throw new Error(`did not come within ${PATIENCE_MS / 1000} s`);
}

/** Makes the stack's folder a repository whose own branch the daemon follows. */
export function makeRepository(stack: WorldStack, poll = '1s'): void {
  writeFileSync(join(stack.dir, '.gitignore'), 'home\nstate\ncache\n');
  git(stack.dir, 'init', '-q', '-b', 'main');
  declare(stack, (text) => `${text}daemon: { git: { remote: ., poll: ${poll} } }\n`);
}

/** Changes llmops.yaml and commits it. Returns when it was committed, in milliseconds since 1970. */
export function declare(stack: WorldStack, change: (text: string) => string): number {
  const file = join(stack.dir, 'llmops.yaml');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  git(stack.dir, 'add', '-A');
  git(stack.dir, 'commit', '-q', '--allow-empty', '-m', 'change');
  return Date.now();
}

function git(dir: string, ...args: readonly string[]): void {
  const config = ['user.name=bench', 'user.email=bench@example.org', 'commit.gpgsign=false'].flatMap((one) => ['-c', one]);
  execFileSync('git', [...config, ...args], { cwd: dir });
}

/** CPU seconds that a process has taken, those of its ended children included: fields 14 to 17 of proc(5). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / 100;
}

/** Resident MiB now. */
export function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}
