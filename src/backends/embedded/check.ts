import type { CheckProblem } from '../../domain/backend.ts';
import type { Artifact, ModelSpec } from '../../domain/desired.ts';
import type { ObservedBackend } from '../../domain/observed.ts';
import { leftBeside, notGguf } from '../kit/weights.ts';

/** llama.cpp's own limit on sequences in one context. Source: LLAMA_MAX_SEQ in src/llama-cparams.h of llama.cpp. */
const MOST_PARALLEL = 256;

/** What this engine cannot do for this model. Pure. */
export function checkModel(model: ModelSpec, artifact: Artifact, observed: ObservedBackend): readonly CheckProblem[] {
  if (observed.status === 'reachable' && observed.engine.status === 'absent') return [observed.engine.problem];
  const findings = [
    notGguf(model, artifact, 'the embedded engine'),
    tooLong(model, artifact),
    onGpu(model),
    otherKv(model),
    tooMany(model),
  ];
  const fix = (): string => 'The embedded engine takes none: use a backend of type llama.cpp or ollama.';
  return [...findings.filter((problem) => problem !== null), ...leftBeside(model, artifact, fix)];
}

function tooLong(model: ModelSpec, artifact: Artifact): CheckProblem | null {
  const trained = artifact.gguf?.contextTrained ?? null;
  if (model.context === null || trained === null || model.context <= trained) return null;
  return {
    severity: 'error',
    code: 'context-exceeds-model',
    field: 'context',
    summary: `${model.name} asks for a context of ${model.context} tokens; its weights were trained for ${trained}.`,
    expected: `context: ${trained} or less`,
    fix: `Set models.${model.name}.context to ${trained}, or use weights with a longer context.`,
  };
}

function onGpu(model: ModelSpec): CheckProblem | null {
  const { gpuLayers, cpuMoeLayers, devices } = model.offload;
  const asked = [
    ...(gpuLayers === null || gpuLayers === 0 ? [] : [`gpuLayers ${gpuLayers}`]),
    ...(cpuMoeLayers === null || cpuMoeLayers === 0 ? [] : [`cpuMoeLayers ${cpuMoeLayers}`]),
    ...(devices === null || devices.length === 0 ? [] : [`devices ${devices.join(', ')}`]),
  ];
  if (asked.length === 0) return null;
  return cannot(
    'offload',
    `${model.name} asks for a GPU (${asked.join('; ')}); the embedded engine runs on the CPU only.`,
    `Set models.${model.name}.offload to none`,
  );
}

function otherKv(model: ModelSpec): CheckProblem | null {
  if (model.kvCache === null || model.kvCache === 'f16') return null;
  return cannot(
    'kvCache',
    `${model.name} asks for a KV cache of type ${model.kvCache}; the embedded engine offers f16.`,
    `Set models.${model.name}.kvCache to f16`,
  );
}

function tooMany(model: ModelSpec): CheckProblem | null {
  if (model.parallel <= MOST_PARALLEL) return null;
  const summary = `${model.name} asks for ${model.parallel} requests at once; the embedded engine can do ${MOST_PARALLEL}.`;
  return cannot('parallel', summary, `Set models.${model.name}.parallel to ${MOST_PARALLEL} or less`);
}

function cannot(field: string, summary: string, fix: string): CheckProblem {
  return { severity: 'error', code: 'engine-cannot', field, summary, fix: `${fix}, or move the model to a backend of type llama.cpp.` };
}
