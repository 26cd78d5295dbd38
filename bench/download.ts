import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { certificate } from '../test/store/certificate.ts';
import type { Took } from './download-one.ts';
import { startBlockServer, type BlockServer } from './download-server.ts';
import { alsoWhenEnded, median, runOnce } from './measure.ts';

const ONE = join(import.meta.dirname, 'download-one.ts');
const MIB = 1024 ** 2;
const LARGE = 1024 * MIB;
const SMALL = 128 * MIB;
/** 2.5 Gbit/s: the fastest network that people have at home. */
const PACED = 300e6;
const ROUNDS = 5;
/** What a shell does to have the same in the end: the file, and its digest. */
const CHECKED = 'curl -sS --cacert "$1" "$2" | tee "$3" | sha256sum';

/**
 * A download into the store beside curl's of the same file from the same server on loopback, in the same rounds: as fast as
 * it goes, encrypted, and over a link of 2.5 Gbit/s. curl neither verifies nor flushes, so `curl | tee FILE | sha256sum` is
 * beside it too. Then hashing, peak memory for two sizes, and what a kill -9 costs.
 */
export async function run(): Promise<void> {
  const dir = await mkdtemp(join(await roomyFolder(), 'llmops-bench-download-'));
  const forget = alsoWhenEnded(() => rmSync(dir, { recursive: true, force: true }));
  const server = await startBlockServer();
  try {
    const tools = { curl: await has('curl'), sha256sum: await has('sha256sum') };
    for (const [name, there] of Object.entries(tools))
      if (!there) process.stdout.write(`${name} is not installed: no comparison with it\n`);
    process.stdout.write(`1 GiB to ${dir}, medians of ${ROUNDS}\n`);
    await compare('http', server, dir, server.url(LARGE), tools);
    await compare('https', server, dir, server.url(LARGE, { tls: true }), tools);
    await compare('http at 300 MB/s', server, dir, server.url(LARGE, { perSecond: PACED }), tools);
    await hashing(server, dir, tools.sha256sum);
    await memory(server, dir);
    await killed(server, dir);
  } finally {
    await server.close();
    await rm(dir, { recursive: true, force: true });
    forget();
  }
}

/** Memory, if there is enough: a disk of its own speed would hide ours. */
async function roomyFolder(): Promise<string> {
  const facts = await statfs('/dev/shm').catch(() => null);
  return facts && facts.bavail * facts.bsize > 4 * LARGE ? '/dev/shm' : tmpdir();
}

async function has(program: string): Promise<boolean> {
  return await runOnce(program, ['--version']).then(
    () => true,
    () => false,
  );
}

type Tools = Readonly<Record<'curl' | 'sha256sum', boolean>>;
type Measured = Pick<Took, 'ms' | 'cpuSeconds'>;

async function compare(name: string, server: BlockServer, dir: string, url: string, tools: Tools): Promise<void> {
  const authority = join(dir, 'authority.pem');
  await writeFile(authority, certificate.cert);
  const [ours, curls, checked]: [Took[], Measured[], Measured[]] = [[], [], []];
  const into = join(dir, 'by-curl');
  for (let round = 0; round < ROUNDS; round += 1) {
    if (tools.curl) curls.push(await timed('curl', ['-sS', '--cacert', authority, '-o', into, url]));
    if (tools.curl && tools.sha256sum) checked.push(await timed('sh', ['-c', CHECKED, 'sh', authority, url, into]));
    await rm(into, { force: true });
    ours.push(await fetchOnce(server, join(dir, 'weights'), url, LARGE, authority));
    await rm(join(dir, 'weights'), { recursive: true, force: true });
  }
  const beside = (what: string, runs: readonly Measured[]): string =>
    runs.length === 0 ? '' : `, ${what} ${rate(runs)}: ratio ${(msOf(runs) / msOf(ours)).toFixed(2)}`;
  line(name, `llmops ${rate(ours)}${beside('curl', curls)}${beside('curl and sha256sum', checked)}`);
}

async function hashing(server: BlockServer, dir: string, there: boolean): Promise<void> {
  const weights = join(dir, 'weights');
  await fetchOnce(server, weights, server.url(LARGE), LARGE);
  const [ours, sums]: [Took[], Measured[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    if (there) sums.push(await timed('sha256sum', [join(weights, 'blobs', server.file(LARGE).sha256)]));
    ours.push(JSON.parse((await runOnce(process.execPath, [ONE, 'verify', weights])).stdout) as Took);
  }
  await rm(weights, { recursive: true, force: true });
  line('verify', `llmops ${rate(ours)}${there ? `, sha256sum ${rate(sums)}: ratio ${(msOf(sums) / msOf(ours)).toFixed(2)}` : ''}`);
}

async function memory(server: BlockServer, dir: string): Promise<void> {
  const peaks: Record<number, number> = {};
  for (const bytes of [SMALL, LARGE]) {
    const runs: Took[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      runs.push(await fetchOnce(server, join(dir, 'weights'), server.url(bytes), bytes));
      await rm(join(dir, 'weights'), { recursive: true, force: true });
    }
    peaks[bytes] = median(runs.map(({ peakMiB }) => peakMiB));
  }
  line('peak memory', `${peaks[SMALL]?.toFixed(0)} MiB for 128 MiB, ${peaks[LARGE]?.toFixed(0)} MiB for 1 GiB`);
}

/** What the server had sent when the process died, and is asked for again; what the kernels of both ends held is in it. */
async function killed(server: BlockServer, dir: string): Promise<void> {
  const repeated: number[] = [];
  const url = server.url(SMALL, { perSecond: 100e6 });
  for (let round = 0; round < ROUNDS; round += 1) {
    const weights = join(dir, 'weights');
    const args = [ONE, 'fetch', weights, url, JSON.stringify(server.file(SMALL))];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    for (; (await partial(weights)) < (0.1 + Math.random() * 0.8) * SMALL; await pause(2));
    child.kill('SIGKILL');
    const sent = server.requests.at(-1)?.sent ?? 0;
    await once(child, 'exit');
    await fetchOnce(server, weights, url, SMALL);
    repeated.push(sent - (server.requests.at(-1)?.from ?? 0));
    await rm(weights, { recursive: true, force: true });
  }
  line('after kill -9', `repeats at most ${(Math.max(0, ...repeated) / 1024).toFixed(0)} KiB of what was sent (bound 1024)`);
}

async function partial(weights: string): Promise<number> {
  const folder = join(weights, 'partial');
  const [name] = existsSync(folder) ? await readdir(folder) : [];
  return name === undefined ? 0 : (await stat(join(folder, name)).catch(() => ({ size: 0 }))).size;
}

async function fetchOnce(server: BlockServer, weights: string, url: string, bytes: number, authority?: string): Promise<Took> {
  const env = authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: authority };
  const { stdout } = await runOnce(process.execPath, [ONE, 'fetch', weights, url, JSON.stringify(server.file(bytes))], { env });
  return JSON.parse(stdout) as Took;
}

/** Runs another program under a shell, which tells what its children took: `times` of POSIX, last line, `0m0.04s 0m0.71s`. */
async function timed(program: string, args: readonly string[]): Promise<Measured> {
  const { stdout } = await runOnce('sh', ['-c', 'date +%s%N; "$@" >/dev/null; date +%s%N; times', 'sh', program, ...args]);
  const [from, to, , children = ''] = stdout.trim().split('\n');
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, rest]) => Number(minutes) * 60 + Number(rest));
  return { ms: Number(BigInt(to ?? 0) - BigInt(from ?? 0)) / 1e6, cpuSeconds: seconds.reduce((sum, one) => sum + one, 0) };
}

function msOf(runs: readonly Measured[]): number {
  return median(runs.map(({ ms }) => ms));
}

/** `1.20 GB/s (0.83 CPU s/GB)` */
function rate(runs: readonly Measured[]): string {
  const gigabytes = LARGE / 1e9;
  const cpu = median(runs.map(({ cpuSeconds }) => cpuSeconds)) / gigabytes;
  return `${((gigabytes / msOf(runs)) * 1000).toFixed(2)} GB/s (${cpu.toFixed(2)} CPU s/GB)`;
}

function line(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(17)} ${text}\n`);
}
