import type { CheckProblem } from '../../domain/backend.ts';
import type { Artifact, BackendSpec, ModelSpec } from '../../domain/desired.ts';
import type { ObservedBackend } from '../../domain/observed.ts';
import { problemOf } from '../../domain/problem.ts';
import type { Beside } from '../../domain/weights.ts';
import { leftBeside, notGguf } from '../kit/weights.ts';
import { commandFor } from './command.ts';
import { extraArgs, fieldsOf } from './fields.ts';
import { isManaged, MANAGED_FLAGS } from './flags.ts';

/** What llama-server cannot do for this model, found before anything is touched. Pure. */
export function checkModel(model: ModelSpec, artifact: Artifact, backend: BackendSpec, observed: ObservedBackend): readonly CheckProblem[] {
  const found = [
    notGguf(model, artifact, 'llama-server'),
    contextProblem(model, artifact),
    kvProblem(model),
    exposed(model, backend),
    ...leftBeside(model, artifact, (what) => givenByFlag(what, model, backend)),
    ...managedFlags(model, backend),
  ].filter((problem) => problem !== null);
  if (observed.status !== 'reachable') return found;
  const { engine } = observed;
  if (engine.status === 'absent') return [engine.problem];
  const capabilities = new Set(engine.capabilities);
  return [
    ...found,
    ...withoutGpu(model, backend, observed),
    ...kvTypeProblem(model, capabilities),
    ...unknownFlags(model, backend, capabilities, engine.version),
    ...missingFlags(model, artifact, backend, engine),
  ];
}

const BY_FLAG = { projector: /^(-mmu?|--mmproj(-url)?|--(no-)?mmproj(-auto)?)(=|$)/, adapter: /^--lora(-scaled)?(=|$)/ };

function givenByFlag(what: Beside, model: ModelSpec, backend: BackendSpec): string | null {
  if (extraArgs(backend.options, model.options).some((word) => BY_FLAG[what].test(word))) return null;
  const args = `models.${model.name}.options.args`;
  return what === 'projector'
    ? `Fetch it yourself and set ${args} to ["--mmproj", "/path/of/it.gguf"]; to go without, to ["--no-mmproj"].`
    : `Fetch it yourself and set ${args} to ["--lora", "/path/of/it.gguf"], or run this model on a backend of type ollama.`;
}

/**
 * Without a GPU llama-server takes the setting, runs on the CPU, and still logs `offloaded 5/5 layers to GPU`. Only a
 * warning: GPUs are seen through nvidia-smi alone, and there are others.
 */
function withoutGpu(
  model: ModelSpec,
  backend: BackendSpec,
  { memory }: Extract<ObservedBackend, { status: 'reachable' }>,
): readonly CheckProblem[] {
  const asked = model.offload.gpuLayers;
  const remote = Array.isArray(backend.options['rpc']) && backend.options['rpc'].length > 0;
  if (asked === null || asked === 0 || remote || memory.length === 0 || memory.some((pool) => pool.kind === 'vram')) return [];
  return [
    {
      severity: 'warning',
      code: 'no-gpu-seen',
      field: 'offload',
      summary: `${model.name} asks for ${asked === 'all' ? 'all layers' : `${asked} layers`} on a GPU, and no GPU was seen here; without one llama-server runs on the CPU and does not say so.`,
      fix: `If there is none, set models.${model.name}.offload to none.`,
    },
  ];
}

/** llama-server would take a larger context down to the trained one without an error. */
function contextProblem(model: ModelSpec, artifact: Artifact): CheckProblem | null {
  const trained = artifact.gguf?.contextTrained ?? null;
  if (trained === null || model.context === null || model.context <= trained) return null;
  return {
    severity: 'error',
    code: 'context-exceeds-model',
    field: 'context',
    summary: `${model.name} asks for a context of ${model.context} tokens; its weights were trained for ${trained}, and llama-server would run with ${trained}.`,
    expected: `context: ${trained} or less`,
    fix: `Set models.${model.name}.context to ${trained}, or use weights with a longer context.`,
  };
}

function kvProblem(model: ModelSpec): CheckProblem | null {
  if (model.options['flashAttention'] !== 'off' || model.kvCache === null || !/q\d|nl/.test(model.kvCache)) return null;
  return {
    severity: 'error',
    code: 'engine-cannot',
    field: 'kvCache',
    summary: `${model.name} asks for kvCache ${model.kvCache} with flashAttention off; llama-server quantizes the cache of values with flash attention only.`,
    fix: `Set models.${model.name}.options.flashAttention to auto, or kvCache to f16.`,
  };
}

function kvTypeProblem(model: ModelSpec, capabilities: ReadonlySet<string>): readonly CheckProblem[] {
  const known = [...capabilities].filter((name) => name.startsWith('kv:')).map((name) => name.slice(3));
  if (model.kvCache === null || known.length === 0 || known.includes(model.kvCache)) return [];
  return [
    {
      severity: 'error',
      code: 'engine-cannot',
      field: 'kvCache',
      summary: `This llama-server has no KV cache of type ${model.kvCache}, which ${model.name} asks for.`,
      expected: known.join(', '),
      fix: `Set models.${model.name}.kvCache to one of these.`,
    },
  ];
}

/** Flags with which whoever reaches the port reads files, runs commands or sends requests as the engine's user. */
const POWERS: ReadonlySet<string> = new Set([
  '--tools',
  '--agent',
  '-ag',
  '--ui-mcp-proxy',
  '--webui-mcp-proxy',
  '--mcp-servers-config',
  '--mcp-servers-json',
]);

function exposed(model: ModelSpec, backend: BackendSpec): CheckProblem | null {
  const flag = extraArgs(backend.options, model.options)
    .map(nameOf)
    .find((word) => POWERS.has(word));
  if (flag === undefined || (model.options['apiKey'] ?? null) !== null) return null;
  return {
    severity: 'warning',
    code: 'engine-exposed',
    field: 'options.args',
    summary: `${flag} in args of ${model.name} lets every program and user of this machine act through llama-server, as no key is asked for.`,
    fix: `Set models.${model.name}.options.apiKey, or remove ${flag}.`,
  };
}

/** `validate` refuses these already; here for whoever plans what was never validated. */
function managedFlags(model: ModelSpec, backend: BackendSpec): readonly CheckProblem[] {
  return extraArgs(backend.options, model.options)
    .map(nameOf)
    .filter(isManaged)
    .map((flag) => ({
      severity: 'error' as const,
      code: 'flag-managed',
      field: 'options.args',
      summary: `${flag} in args of ${model.name} is a flag that llmops sets itself or depends on.`,
      fix: `Remove it; ${MANAGED_FLAGS[flag]}.`,
    }));
}

function unknownFlags(model: ModelSpec, backend: BackendSpec, capabilities: ReadonlySet<string>, version: string): readonly CheckProblem[] {
  return extraArgs(backend.options, model.options)
    .filter((word) => !isManaged(nameOf(word)))
    .map((word) => word.split('=')[0] as string)
    .filter((word) => /^--?[a-z]/i.test(word) && !capabilities.has(word))
    .map((word) => ({
      severity: 'error' as const,
      code: 'engine-cannot',
      field: 'options.args',
      summary: `llama-server ${version} does not know the flag ${word}, which args of ${model.name} name; it would not start.`,
      fix: 'See `llama-server --help` for the flags of this build.',
    }));
}

/** A dry run of the command line finds every declared setting that this build has no flag for. */
function missingFlags(
  model: ModelSpec,
  artifact: Artifact,
  backend: BackendSpec,
  engine: Parameters<typeof commandFor>[2],
): readonly CheckProblem[] {
  const { name, options } = model;
  const fields = fieldsOf(model, artifact, backend);
  try {
    commandFor(
      { id: name, stack: '', backend: backend.name, model: name, specHash: '', fields, weights: artifact, options },
      1,
      engine,
      backend,
    );
    return [];
  } catch (error) {
    return [problemOf(error)];
  }
}

function nameOf(word: string): string {
  return word.split(/[=\s]/)[0] as string;
}
