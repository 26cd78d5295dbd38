import type { LlamaModel } from 'node-llama-cpp';

/**
 * Refuses a context that cannot fit into memory. The engine itself would write zeroes into all of it and be killed by
 * the system without a word, or take the machine down with it. Throws an Error with both numbers.
 */
export function refuseTooLarge(model: LlamaModel, contextTokens: number, parallel: number, freeBytes: number): void {
  const { cpuRam } = model.fileInsights.estimateContextResourceRequirements({
    contextSize: contextTokens,
    sequences: parallel,
    modelGpuLayers: 0,
    // The graph's share is estimated for GPUs and is far too high here; the KV cache alone is exact.
    includeGraphOverhead: false,
  });
  if (cpuRam <= freeBytes) return;
  throw new Error(
    `not enough memory: a context of ${contextTokens} tokens for ${parallel} requests takes ${gib(cpuRam)} GiB, and ${gib(freeBytes)} GiB are free`,
  );
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}
