import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';

/** One run of a program: wall time in milliseconds and the largest resident size in MiB (0 where the system does not tell). */
export interface Run {
  readonly ms: number;
  readonly peakMiB: number;
  readonly stdout: string;
}

/** Runs a program to its end. Throws if it does not end with one of `expected`. */
export async function runOnce(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly expected?: readonly number[] } = {},
): Promise<Run> {
  const started = performance.now();
  const child = spawn(file, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let peakMiB = 0;
  const look = setInterval(() => void residentPeak(child.pid).then((mib) => (peakMiB = Math.max(peakMiB, mib))), 20);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const ms = performance.now() - started;
  clearInterval(look);
  if (!(options.expected ?? [0]).includes(code ?? -1))
    throw new Error(`${file} ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
  return { ms, peakMiB, stdout };
}

/** VmHWM, the high-water mark of the resident set: proc(5). */
async function residentPeak(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}

/** The middle value; of an even number, the lower of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

/** Runs several things in turn, round by round, so that a noisy machine is noisy for all of them alike. */
export async function inTurn(
  rounds: number,
  things: Readonly<Record<string, () => Promise<Run>>>,
): Promise<Readonly<Record<string, readonly Run[]>>> {
  const runs: Record<string, Run[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, thing] of Object.entries(things)) (runs[name] ??= []).push(await thing());
  }
  return runs;
}

/** `123 ms (98-140), 61 MiB` */
export function summary(runs: readonly Run[]): string {
  const times = runs.map((run) => run.ms);
  const peak = median(runs.map((run) => run.peakMiB));
  return `${median(times).toFixed(0)} ms (${Math.min(...times).toFixed(0)}-${Math.max(...times).toFixed(0)})${peak > 0 ? `, ${peak.toFixed(0)} MiB` : ''}`;
}

/** Cleans up also when somebody ends the bench: gigabytes in memory would outlive it. Returns what takes that back. */
export function alsoWhenEnded(clean: () => void): () => void {
  const end = (signal: NodeJS.Signals): void => {
    clean();
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of ENDS) process.once(signal, end);
  return () => ENDS.forEach((signal) => process.removeListener(signal, end));
}

const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
