import type { Artifact, ModelSpec } from '../../domain/desired.ts';
import type { Problem } from '../../domain/problem.ts';

/** llama.cpp's own limit on sequences in one context. Source: LLAMA_MAX_SEQ in llama.cpp/src/llama-cparams.h. */
const MOST_PARALLEL = 256;

/** What this engine cannot do for this model. Pure. */
export function checkModel(model: ModelSpec, artifact: Artifact): readonly Problem[] {
  return [notGguf(model, artifact), tooLong(model, artifact), onGpu(model), otherKv(model), tooMany(model)].filter(
    (problem) => problem !== null,
  );
}

function error(code: string, summary: string, fix: string): Problem {
  return { severity: 'error', code, summary, fix };
}

function notGguf(model: ModelSpec, artifact: Artifact): Problem | null {
  if (artifact.gguf) return null;
  return error(
    'weights-not-gguf',
    `Model '${model.name}': ${artifact.source} is not a GGUF file, and the embedded engine reads nothing else.`,
    'Name a .gguf file in `source`.',
  );
}

function tooLong(model: ModelSpec, artifact: Artifact): Problem | null {
  const trained = artifact.gguf?.contextTrained ?? null;
  if (model.context === null || trained === null || model.context <= trained) return null;
  return error(
    'context-exceeds-model',
    `Model '${model.name}' asks for a context of ${model.context} tokens, and these weights were trained for ${trained}.`,
    `Set \`context\` to ${trained} or less.`,
  );
}

function onGpu(model: ModelSpec): Problem | null {
  const { gpuLayers, cpuMoeLayers, devices } = model.offload;
  const asked =
    gpuLayers !== null && gpuLayers !== 0
      ? `gpuLayers: ${gpuLayers}`
      : cpuMoeLayers
        ? `cpuMoeLayers: ${cpuMoeLayers}`
        : devices?.length
          ? `devices: [${devices.join(', ')}]`
          : null;
  if (asked === null) return null;
  return error(
    'offload-unsupported',
    `Model '${model.name}' asks for a GPU (${asked}), and the embedded engine runs on the CPU only.`,
    'Set `offload: none`, or move the model to a backend of type llama.cpp.',
  );
}

function otherKv(model: ModelSpec): Problem | null {
  if (model.kvCache === null || model.kvCache === 'f16') return null;
  return error(
    'kv-cache-unsupported',
    `Model '${model.name}' asks for a KV cache of type ${model.kvCache}, and the embedded engine offers f16 only.`,
    'Set `kvCache: auto`, or move the model to a backend of type llama.cpp.',
  );
}

function tooMany(model: ModelSpec): Problem | null {
  if (model.parallel <= MOST_PARALLEL) return null;
  return error(
    'parallel-unsupported',
    `Model '${model.name}' asks for ${model.parallel} requests at once, and the engine can do ${MOST_PARALLEL}.`,
    `Set \`parallel\` to ${MOST_PARALLEL} or less.`,
  );
}
