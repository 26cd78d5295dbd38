import { setTimeout as pause } from 'node:timers/promises';
import { cpuSeconds, declare, makeRepository, residentMiB, startDaemon, type DaemonRun } from './daemon-run.ts';
import { convergeAtOnce, worldStack, type WorldStack } from './world-stack.ts';

const ROUNDS = 20;
const IDLE_MS = 60_000;

/**
 * The daemon's published figures, on fake engines over HTTP: from a commit to the start of its apply, from drift to its being
 * noticed, from a fix to the end of the wait that it supersedes, to the start of a rollback, what it costs to idle, and a
 * look at 1,000 models on ten backends in which nothing is to be done.
 */
export async function run(): Promise<void> {
  await withDaemon(20, 1, async (stack, daemon) => {
    line('commit to apply', await timed((n) => commitToApply(stack, daemon, n)), 'bound 2000');
    line('drift to noticed', await timed((n) => driftToNoticed(stack, daemon, n)), 'bound 10000');
    line('pre-emption', await timed((n) => preemption(stack, daemon, n), 5), 'bound 2000');
    line('rollback start', [await rollbackStart(stack, daemon)], 'bound 5000');
  });
  await withDaemon(20, 1, async (_stack, daemon) => idle(daemon), '15s');
  await noChange();
}

async function withDaemon(
  models: number,
  backends: number,
  work: (stack: WorldStack, daemon: DaemonRun) => Promise<void>,
  poll = '1s',
): Promise<void> {
  const stack = await worldStack(models, backends);
  makeRepository(stack, poll);
  const daemon = await startDaemon(stack);
  try {
    await work(stack, daemon);
  } finally {
    await daemon.kill('SIGTERM');
    await stack.remove();
  }
}

async function timed(one: (n: number) => Promise<number>, rounds = ROUNDS): Promise<readonly number[]> {
  const all: number[] = [];
  for (let n = 0; n < rounds; n += 1) all.push(await one(n));
  return all;
}

/** The context of a model, which its daemon changes new before old. */
function withContext(model: string, tokens: number): (text: string) => string {
  return (text) => text.replace(new RegExp(`(  ${model}:\\n(?:    .*\\n)*?    context: )\\d+`), `$1${tokens}`);
}

async function commitToApply(stack: WorldStack, daemon: DaemonRun, n: number): Promise<number> {
  const committed = declare(stack, withContext('model-0', 300 + n));
  const started = await daemon.heard(({ type, trigger }) => type === 'run.started' && trigger === 'release', committed);
  await daemon.heard(({ type }) => type === 'run.finished', committed);
  await daemon.calm();
  return Date.parse(started.at) - committed;
}

/** A copy is taken away behind its back, at a moment of chance. */
async function driftToNoticed(stack: WorldStack, daemon: DaemonRun, n: number): Promise<number> {
  await pause(Math.random() * 3000);
  const { instances } = stack.world.realm('box0');
  const gone = [...instances.keys()].filter((id) => id.startsWith(`model-${n}-`));
  const at = Date.now();
  for (const id of gone) instances.delete(id);
  const noticed = await daemon.heard(({ type, model }) => type === 'model.crashed' && model === `model-${n}`, at);
  await daemon.calm();
  return Date.parse(noticed.at) - at;
}

/** A copy that never answers, then a commit that takes the change back. */
async function preemption(stack: WorldStack, daemon: DaemonRun, n: number): Promise<number> {
  stack.world.fault({ kind: 'hang', method: 'POST', path: /probe/ });
  const broken = declare(stack, withContext('model-1', 600 + n));
  await daemon.heard(({ type }) => type === 'run.started', broken);
  await pause(500);
  const fixed = declare(stack, withContext('model-2', 700 + n));
  const ended = await daemon.heard(({ type, outcome }) => type === 'run.finished' && outcome === 'cancelled', fixed);
  stack.world.clearFaults();
  await daemon.calm();
  return Date.parse(ended.at) - fixed;
}

async function rollbackStart(stack: WorldStack, daemon: DaemonRun): Promise<number> {
  const at = Date.now();
  await stack.llmops(['rollback', '-y']);
  const started = await daemon.heard(({ type, trigger }) => type === 'run.started' && trigger === 'rollback', at);
  return Date.parse(started.at) - at;
}

async function idle(daemon: DaemonRun): Promise<void> {
  await pause(5000);
  const before = cpuSeconds(daemon.pid);
  await pause(IDLE_MS);
  const share = (100 * (cpuSeconds(daemon.pid) - before)) / (IDLE_MS / 1000);
  process.stdout.write(
    `idle, 20 models     ${share.toFixed(2)} % of a core (bound 1), ${residentMiB(daemon.pid).toFixed(0)} MiB resident (bound 120)\n`,
  );
}

async function noChange(): Promise<void> {
  const stack = await worldStack(1000, 10);
  await convergeAtOnce(stack);
  const daemon = await startDaemon(stack, ['--probe', '2s']);
  const rounds: number[] = [];
  for (let n = 0; n < 10; n += 1) {
    await pause(2500);
    rounds.push((await daemon.picture())?.roundMs ?? Number.NaN);
  }
  line('look, 1,000 models', rounds, `bound 2000, ${residentMiB(daemon.pid).toFixed(0)} MiB resident`);
  await daemon.kill('SIGTERM');
  await stack.remove();
}

function line(name: string, times: readonly number[], bound: string): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN).toFixed(0);
  process.stdout.write(`${name.padEnd(19)} median ${at(0.5)} ms, p95 ${at(0.95)} ms of ${times.length} (${bound})\n`);
}
