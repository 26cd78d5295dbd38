import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Asking } from './engines.ts';
import { ask, findProgram } from './program.ts';

/** A device that models can run on. */
export interface Gpu {
  readonly vendor: 'nvidia' | 'amd' | 'apple';
  readonly name: string;
  /** Bytes of its own memory; null: not told, or shared with the processor. */
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
  /** Version of the driver, or null. */
  readonly driver: string | null;
}

/** What was found, and why there may be more than was found. */
export interface Gpus {
  readonly gpus: readonly Gpu[];
  /** One sentence, if a driver's tool is there and does not work. */
  readonly trouble: string | null;
}

/** Where to look; tests hand in their own. */
export interface GpuSources {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Root of sysfs. */
  readonly sys: string;
}

const MIB = 1024 * 1024;

/** Asks nvidia-smi, reads sysfs for AMD, and knows that Apple's own processors have one. */
export async function findGpus(
  asking: Asking,
  sources: GpuSources = { platform: process.platform, arch: process.arch, sys: '/sys' },
): Promise<Gpus> {
  const [nvidia, amd] = await Promise.all([nvidiaGpus(asking), sources.platform === 'linux' ? amdGpus(sources.sys) : []]);
  const apple: Gpu[] =
    sources.platform === 'darwin' && sources.arch === 'arm64'
      ? [{ vendor: 'apple', name: 'Apple GPU (Metal)', totalBytes: null, freeBytes: null, driver: null }]
      : [];
  return { gpus: [...nvidia.gpus, ...amd, ...apple], trouble: nvidia.trouble };
}

async function nvidiaGpus(asking: Asking): Promise<Gpus> {
  const program = await findProgram('nvidia-smi', asking.env);
  if (!program) return { gpus: [], trouble: null };
  const said = await ask(
    program,
    ['--query-gpu=name,memory.total,memory.free,driver_version', '--format=csv,noheader,nounits'],
    asking.env,
    asking,
  );
  if (!said) return { gpus: [], trouble: `nvidia-smi did not answer within ${asking.deadlineMs / 1000} s` };
  if (said.code !== 0)
    return { gpus: [], trouble: `nvidia-smi failed: ${firstLine(said.stdout) || firstLine(said.stderr) || `exit code ${said.code}`}` };
  return {
    gpus: said.stdout
      .split('\n')
      .map(nvidiaGpu)
      .filter((gpu) => gpu !== null),
    trouble: null,
  };
}

/** One row: `NVIDIA H200, 143771, 143155, 570.124.06`; memory in MiB, `[N/A]` where it is shared with the processor. */
function nvidiaGpu(row: string): Gpu | null {
  const [name, total, free, driver] = row.split(',').map((cell) => cell.trim());
  if (!name || driver === undefined) return null;
  return { vendor: 'nvidia', name, totalBytes: mebibytes(total), freeBytes: mebibytes(free), driver };
}

function mebibytes(cell: string | undefined): number | null {
  return cell && /^\d+$/.test(cell) ? Number(cell) * MIB : null;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

/** The amdgpu driver's files. Source: docs.kernel.org/gpu/amdgpu/driver-misc.html. */
async function amdGpus(sys: string): Promise<Gpu[]> {
  const folder = join(sys, 'class', 'drm');
  const cards = (await readdir(folder).catch(() => [])).filter((name) => /^card\d+$/.test(name)).sort();
  const gpus = await Promise.all(cards.map((card) => amdGpu(join(folder, card, 'device'), card)));
  return gpus.filter((gpu) => gpu !== null);
}

async function amdGpu(device: string, card: string): Promise<Gpu | null> {
  const read = async (name: string): Promise<string | null> =>
    (await readFile(join(device, name), 'utf8').catch(() => null))?.trim() || null;
  const [vendor, product, total, used] = await Promise.all([
    read('vendor'),
    read('product_name'),
    read('mem_info_vram_total'),
    read('mem_info_vram_used'),
  ]);
  if (vendor !== '0x1002' || total === null) return null;
  return {
    vendor: 'amd',
    name: product ?? `AMD GPU (${card})`,
    totalBytes: Number(total),
    freeBytes: used === null ? null : Number(total) - Number(used),
    driver: 'amdgpu',
  };
}
