import type { Artifact, BackendSpec, InstanceSpec, Json, JsonObject, ModelSpec } from '../../domain/desired.ts';
import { asScalar, portableFields } from '../../domain/fields.ts';
import type { Fields, PortableField, Price, Scalar, WishedFields } from '../../domain/fields.ts';
import { servesItself } from './options.ts';
import { asFields, SERVER_FIELD, settingsIn } from './settings.ts';
import type { Row, Shown } from './shown.ts';

/**
 * Load options fix a runner; prompts and request defaults are read at the next request, from the model that the name stands
 * for, so that they cost no reload. What belongs to the whole server costs its restart, which llmops does where it serves it itself.
 */
export const prices: Readonly<Record<PortableField, Price>> & Readonly<Record<string, Price>> = {
  source: 'live',
  digest: 'replace',
  context: 'restart',
  parallel: 'restart',
  kvCache: 'restart',
  'offload.gpuLayers': 'restart',
  'offload.cpuMoeLayers': 'restart',
  'offload.devices': 'restart',
  chatTemplate: 'restart',
  'options.batch': 'restart',
  'options.threads': 'restart',
  'options.mmap': 'restart',
  'options.mainGpu': 'restart',
  [SERVER_FIELD]: 'restart',
  'options.keepAlive': 'drain',
  'options.system': 'drain',
  'options.template': 'drain',
  'options.renderer': 'drain',
  'options.parser': 'drain',
  'options.parameters': 'drain',
};

/**
 * Our fields of a runner's options, by Ollama's name (`api.Runner`). Two models of the same weights with other values evict
 * each other.
 */
const RUNNER: Readonly<Record<string, string>> = {
  num_ctx: 'context',
  num_gpu: 'offload.gpuLayers',
  num_batch: 'options.batch',
  num_thread: 'options.threads',
  use_mmap: 'options.mmap',
  main_gpu: 'options.mainGpu',
};

/** Ollama's own OLLAMA_KEEP_ALIVE: it loads with the first request, and lets go when nobody has asked for so long. */
const USUAL_KEEP_ALIVE_MS = 300_000;

/** More layers than any model has: Ollama knows numbers only. */
const ALL_LAYERS = 999;

/** The settings that an instance must run with; null: the engine decides. Pure. */
export function fieldsOf(model: ModelSpec, artifact: Artifact, backend?: BackendSpec): WishedFields {
  const { options } = model;
  const scalar = (key: string): Scalar => asScalar(options[key]);
  return {
    ...portableFields(model, artifact),
    chatTemplate: null, // llama.cpp's word for Jinja templates; Ollama's own language has a key of its own
    'options.batch': scalar('batch'),
    'options.threads': scalar('threads'),
    'options.mmap': scalar('mmap'),
    'options.mainGpu': scalar('mainGpu'),
    'options.keepAlive': scalar('keepAlive') ?? (model.load === 'on-demand' ? USUAL_KEEP_ALIVE_MS : null),
    'options.system': scalar('system'),
    'options.template': scalar('template'),
    'options.renderer': scalar('renderer'),
    'options.parser': scalar('parser'),
    'options.parameters': parametersText(declaredParameters(options)),
    ...(backend !== undefined && servesItself(backend.options) && asFields(settingsIn(backend))),
  };
}

/** True for parameters that fix a runner, and are keys of their own. */
export function isLoadOption(name: string): boolean {
  return Object.hasOwn(RUNNER, name);
}

/** The same of our own fields. */
export function isLoadField(field: string): boolean {
  return Object.values(RUNNER).includes(field);
}

/** True if a runner that was loaded with these settings serves the others as well, without a reload. */
export function sameRunner(a: Fields, b: Fields): boolean {
  return Object.values(RUNNER).every((field) => (a[field] ?? null) === (b[field] ?? null));
}

/** The request defaults that llmops.yaml declares, under Ollama's names. */
export function declaredParameters(options: JsonObject): JsonObject {
  const value = options['parameters'];
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** Request defaults as one text, in the order of their names: `temperature 0.7, top_k 40`; null: none. */
export function parametersText(parameters: JsonObject): string | null {
  const parts = Object.entries(parameters)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return parts.length === 0 ? null : parts.join(', ');
}

/** What a model is created with: every load option that was asked for, and the request defaults. Pure. */
export function createParameters({ fields, options }: Pick<InstanceSpec, 'fields' | 'options'>): JsonObject {
  const load = Object.entries(RUNNER).flatMap(([name, field]) => {
    const value = fields[field] ?? null;
    return value === null ? [] : [[name, value === 'all' ? ALL_LAYERS : value] as const];
  });
  return { ...declaredParameters(options), ...Object.fromEntries(load) };
}

/** What a model tells of its making: the inverse of {@link createParameters}. `declared`: the request defaults that are ours. */
export function configuredOf(shown: Shown, declared: readonly string[]): Fields {
  const told = (name: string): Json | undefined => (Object.hasOwn(shown.parameters, name) ? shown.parameters[name] : undefined);
  const load = Object.entries(RUNNER).map(([name, field]) => [field, asScalar(told(name))] as const);
  const layers = told('num_gpu');
  const defaults = declared.flatMap((name) => (told(name) === undefined ? [] : [[name, told(name) as Json] as const]));
  return {
    ...Object.fromEntries(load),
    ...(typeof layers === 'number' && layers >= ALL_LAYERS ? { 'offload.gpuLayers': 'all' } : {}),
    ...(layers === -1 ? { 'offload.gpuLayers': null } : {}),
    'options.system': shown.system === '' ? null : shown.system,
    'options.template': shown.template === '' ? null : shown.template,
    'options.renderer': shown.renderer === '' ? null : shown.renderer,
    'options.parser': shown.parser === '' ? null : shown.parser,
    'options.parameters': parametersText(Object.fromEntries(defaults)),
  };
}

/** What is in force, from the row of a runner: context, and as much of the offload as its memory tells. */
export function loadedOf(row: Row, configured: Fields, layers: number | null): Fields {
  return { context: row.context, 'offload.gpuLayers': layersInForce(row, configured['offload.gpuLayers'] ?? null, layers) };
}

/**
 * Ollama tells bytes, not layers (0.34.4, `MemorySize`). As many on GPUs as in all: its runner says that every layer is there. None
 * on GPUs: none is, whatever the runner says; without a GPU it says `offloaded 5/5 layers` all the same, and both are 0. Between
 * the two it is not all of them, and more cannot be said: a CPU with AMX counts as a GPU. Where it could not read its runner's
 * log it gives the size of the file for both, so that no layer asked for can look like all.
 */
function layersInForce({ bytes, vramBytes }: Row, asked: Scalar, layers: number | null): Scalar {
  if (bytes === null || vramBytes === null) return null;
  if (vramBytes === 0) return 0;
  if (vramBytes < bytes) return asked === 'all' ? 'some' : null;
  if (asked === 0) return null;
  return typeof asked === 'number' && (layers === null || asked >= layers) ? asked : 'all';
}
