import type { FoundEngine, Gpu } from '../discover/index.ts';

const GIB = 1024 ** 3;

/** `23.5 GiB`. */
export function inGiB(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

/** `NVIDIA H200, 139.8 of 140.4 GiB free, driver 570.124.06`. */
export function describeGpu(gpu: Gpu): string {
  const memory =
    gpu.totalBytes === null
      ? 'memory shared with the system'
      : gpu.freeBytes === null
        ? inGiB(gpu.totalBytes)
        : `${(gpu.freeBytes / GIB).toFixed(1)} of ${inGiB(gpu.totalBytes)} free`;
  return [gpu.name, memory, ...(gpu.driver === null ? [] : [`driver ${gpu.driver}`])].join(', ');
}

/** What this version does with each engine, besides naming it. */
const REMARKS: Readonly<Record<FoundEngine['name'], string>> = {
  'llama-server': '',
  'node-llama-cpp': '',
  ollama: ' (not acted on yet)',
  vllm: ' (not acted on yet)',
};

/** `llama-server 0.7.0 at /usr/bin/llama-server`. */
export function describeEngine(engine: FoundEngine): string {
  return `${engine.name} ${engine.version ?? '(version not told)'} at ${engine.at}${REMARKS[engine.name]}`;
}
