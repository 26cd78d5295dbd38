import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import type { DriverContext } from '../../domain/backend.ts';
import type { MemoryPool } from '../../domain/observed.ts';
import { askProgram } from '../../programs/index.ts';

const GPU_QUERY = ['--query-gpu=name,memory.total,memory.free', '--format=csv,noheader,nounits'];
/** nvidia-smi hangs on a sick driver; a plan must not. */
const GPU_DEADLINE_MS = 3000;
const GPU_LIMIT_BYTES = 256 * 1024;

/** This machine's memory: RAM, and NVIDIA GPUs where `nvidia-smi` tells them; a brief look takes what it told lately. Never throws. */
export async function readMemory(
  { env, brief }: Pick<DriverContext, 'env' | 'brief'>,
  signal: AbortSignal,
): Promise<readonly MemoryPool[]> {
  const isRecent = brief === true && performance.now() - lately.at < RECENT_MS;
  if (!isRecent) lately = { at: performance.now(), gpus: await askGpus(env, signal) };
  return [readRam(), ...lately.gpus];
}

/** Of a brief look, in milliseconds: starting a program costs more than all else that is asked. */
const RECENT_MS = 60_000;
let lately: { readonly at: number; readonly gpus: readonly MemoryPool[] } = { at: -Infinity, gpus: [] };

async function askGpus(env: DriverContext['env'], signal: AbortSignal): Promise<readonly MemoryPool[]> {
  const question = { file: 'nvidia-smi', args: GPU_QUERY, env, deadlineMs: GPU_DEADLINE_MS, limitBytes: GPU_LIMIT_BYTES, signal };
  const { code, stdout } = await askProgram(question);
  return parseGpus(code === 0 ? stdout : '');
}

function readRam(): MemoryPool {
  let meminfo = '';
  try {
    meminfo = readFileSync('/proc/meminfo', 'utf8');
  } catch {
    // not Linux: what Node tells has to do
  }
  return { kind: 'ram', name: 'RAM', ...(parseMeminfo(meminfo) ?? { totalBytes: totalmem(), freeBytes: freemem() }) };
}

/** Total and available bytes from /proc/meminfo; null if it does not say. `MemFree` would leave out what the page cache can give back. */
export function parseMeminfo(text: string): { readonly totalBytes: number; readonly freeBytes: number } | null {
  const [total, free] = ['MemTotal', 'MemAvailable'].map((name) => new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
  return total === undefined || free === undefined ? null : { totalBytes: Number(total) * 1024, freeBytes: Number(free) * 1024 };
}

/** GPUs from nvidia-smi's CSV: `NVIDIA H200, 143771, 143150`, in MiB. Lines of another form (`[N/A]`) are left out. */
export function parseGpus(text: string): readonly MemoryPool[] {
  return text.split('\n').flatMap((line, index) => {
    const match = /^(.+), (\d+), (\d+)\s*$/.exec(line);
    return match
      ? [
          {
            kind: 'vram' as const,
            name: `GPU ${index}: ${match[1]}`,
            totalBytes: Number(match[2]) * 2 ** 20,
            freeBytes: Number(match[3]) * 2 ** 20,
          },
        ]
      : [];
  });
}
