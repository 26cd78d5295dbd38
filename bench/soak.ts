import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processesWith } from '../test/daemon/left.ts';
import { declare, makeRepository, residentMiB, startAnyhow, startDaemon, type DaemonRun } from './daemon-run.ts';
import { worldStack, type WorldStack } from './world-stack.ts';

/** For how long, in minutes, unless SOAK_MINUTES says otherwise. */
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 120);
const MODELS = 12;
/** A daemon lives for this long at least, in milliseconds: what leaks takes its time. */
const LIFE_MS = 20 * 60_000;

/** Chance that can be had again: mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One sample of what could leak. */
interface Sample {
  readonly minute: number;
  readonly mib: number;
  readonly files: number;
  readonly sockets: number;
}

/**
 * Random commits, drift, engine faults and kills of the daemon for hours, then calm: reports what the daemon holds over time, whether
 * it came to where it is wanted, and what is left behind. The seed is printed; SOAK_SEED has it again, SOAK_MINUTES sets the time.
 */
export async function run(): Promise<void> {
  const seed = Number(process.env['SOAK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`seed ${seed}, ${MINUTES} minutes\n`);
  const random = chance(seed);
  const stack = await worldStack(MODELS, 3);
  makeRepository(stack);
  let daemon = await startDaemon(stack, ['--probe', '2s']);
  const samples: Sample[] = [];
  const counts: Record<string, number> = {};
  const until = performance.now() + MINUTES * 60_000;
  for (let [next, born] = [0, performance.now()]; performance.now() < until;) {
    const chosen = pick(ACTS, random);
    const act = chosen === 'kill' && performance.now() - born < LIFE_MS ? 'nothing' : chosen;
    if (act === 'kill') born = performance.now();
    counts[act] = (counts[act] ?? 0) + 1;
    daemon = await perform(act, stack, daemon, random);
    await pause(200 + random() * 3000);
    if (performance.now() < next) continue;
    next = performance.now() + 60_000;
    samples.push(sampleOf(daemon.pid, MINUTES - (until - performance.now()) / 60_000));
    process.stdout.write(`${words(samples.at(-1) as Sample)}${act === 'kill' ? ', a new daemon' : ''}\n`);
  }
  await finish(stack, daemon, samples, counts);
}

const ACTS = ['commit', 'commit', 'invalid', 'delete', 'edit', 'fault', 'clear', 'kill', 'nothing'] as const;
type Act = (typeof ACTS)[number];

async function perform(act: Act, stack: WorldStack, daemon: DaemonRun, random: () => number): Promise<DaemonRun> {
  const model = Math.floor(random() * MODELS);
  const realm = stack.world.realm(`box${model % 3}`);
  const copies = [...realm.instances.values()];
  const copy = copies[Math.floor(random() * copies.length)];
  if (act === 'commit') declare(stack, withContext(model, 256 + Math.floor(random() * 8) * 64));
  if (act === 'invalid') declare(stack, (text) => (text.includes('\nbroken') ? text.replace('\nbroken', '') : `${text}\nbroken`));
  if (act === 'delete' && copy) realm.instances.delete(copy.id);
  if (act === 'edit' && copy) copy.loaded = { ...copy.loaded, context: 1 };
  if (act === 'fault')
    stack.world.fault({
      kind: random() < 0.5 ? 'status' : 'drop',
      method: random() < 0.5 ? 'POST' : 'GET',
      at: 1 + Math.floor(random() * 5),
    });
  if (act === 'clear') stack.world.clearFaults();
  if (act !== 'kill') return daemon;
  await daemon.kill('SIGKILL');
  return startAnyhow(stack, ['--probe', '2s']);
}

function withContext(model: number, tokens: number): (text: string) => string {
  return (text) => text.replace(new RegExp(`(  model-${model}:\\n(?:    .*\\n)*?    context: )\\d+`), `$1${tokens}`);
}

async function finish(
  stack: WorldStack,
  daemon: DaemonRun,
  samples: readonly Sample[],
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  stack.world.clearFaults();
  declare(stack, (text) => text.replaceAll('\nbroken', ''));
  await stack.llmops(['resume']);
  await pause(30_000);
  await daemon.calm();
  const plan = await stack.llmops(['plan', '--detailed-exitcode'], [0, 1, 2]);
  const copies = [0, 1, 2].reduce((sum, n) => sum + stack.world.realm(`box${n}`).instances.size, 0);
  process.stdout.write(`acts ${JSON.stringify(counts)}\n`);
  process.stdout.write(`in the end ${copies} copies of ${MODELS} models, plan: ${plan.stdout.trim().split('\n').at(-1)}\n`);
  const [first, last] = [samples[Math.min(5, samples.length - 1)], samples.at(-1)];
  if (first && last) process.stdout.write(`from ${words(first)}\nto   ${words(last)}\n`);
  await daemon.kill('SIGTERM');
  await pause(5000); // a guard sees within a second that it is not needed
  const left = processesWith('XDG_STATE_HOME', join(stack.dir, 'state'));
  process.stdout.write(`left running: ${left.length}; the state folder holds ${megabytes(join(stack.dir, 'state'))} MB\n`);
  await stack.remove();
}

function megabytes(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => lstatSync(join(folder, name)));
  return (files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0) / 1e6).toFixed(1);
}

function sampleOf(pid: number, minute: number): Sample {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return { minute, mib: residentMiB(pid), files: links.length, sockets: links.filter((link) => link.startsWith('socket:')).length };
}

function words({ minute, mib, files, sockets }: Sample): string {
  return `minute ${minute.toFixed(0).padStart(4)}: ${mib.toFixed(0)} MiB, ${files} open files, ${sockets} sockets`;
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T;
}
