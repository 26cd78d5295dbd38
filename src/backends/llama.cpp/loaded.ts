import type { Compare, Fields, Scalar } from '../../domain/fields.ts';
import type { Problem } from '../../domain/problem.ts';
import { kvCacheOf } from './configured.ts';
import { tasksIn } from '../kit/slots.ts';
import { ALIAS, MODEL, type ParsedArgs } from './flags.ts';

/** llama.cpp rounds a slot's context up to a multiple of this (`n_ctx_seq`, seen with 0.7.0: 300 becomes 512). */
const CONTEXT_STEP = 256;

/** What `/props` and the log tell of the settings in force. Pure. A null value: not told. */
export function loadedFields(props: unknown, log: string, configured: Fields): Fields {
  const told = toldByLog(log);
  return {
    context: numberAt(props, 'default_generation_settings', 'n_ctx'),
    parallel: numberAt(props, 'total_slots'),
    kvCache: told.kvCache,
    'offload.gpuLayers': layersInForce(told, configured['offload.gpuLayers'] ?? null),
    'options.flashAttention': told.flashAttention,
    'options.metrics': booleanAt(props, 'endpoint_metrics'),
  };
}

/** True if `/props` told settings: an error, or the answer of something else, read as settings would hold nothing that contradicts a wish. */
export function isProps(props: unknown): boolean {
  const isError = at(props, ['error']) !== undefined;
  return !isError && numberAt(props, 'default_generation_settings', 'n_ctx') !== null && numberAt(props, 'total_slots') !== null;
}

/** True for a list of slots; an empty one too. */
export function isSlots(slots: unknown): boolean {
  return Array.isArray(slots) && slots.every((slot) => slot !== null && typeof slot === 'object' && !('error' in slot));
}

/** Why the model that answers is not the one that the process was told to serve; null: it is, or nothing says otherwise. Pure but for `resolved`. */
export function strangerServed(props: unknown, told: ParsedArgs, resolved: (path: string) => string): Problem | null {
  const [path, toldPath] = [textAt(props, 'model_path'), told.value(MODEL)];
  if (path !== null && toldPath !== null && path !== toldPath && resolved(path) !== resolved(toldPath))
    return stranger('weights', path, toldPath);
  const [alias, toldAlias] = [textAt(props, 'model_alias'), told.value(ALIAS)];
  return alias !== null && toldAlias !== null && alias !== toldAlias ? stranger('name', alias, toldAlias) : null;
}

function stranger(what: string, got: string, asked: string): Problem {
  return {
    severity: 'error',
    code: 'setting-not-in-force',
    summary: `The server says that it serves the ${what} ${got}, not ${asked} as it was told.`,
    expected: asked,
    fix: 'Something else may answer in its place. See `llmops logs MODEL`; `llmops apply --replace MODEL` starts it anew.',
  };
}

/** True if the engine sleeps: then `/slots` would wake it. */
export function isSleeping(props: unknown): boolean {
  return booleanAt(props, 'is_sleeping') === true;
}

/** Slots that work on a request; null: `/slots` did not answer with a list. */
export function countActive(slots: unknown): number | null {
  return tasksIn(slots)?.length ?? null;
}

/** Requests that wait for a slot, from the text of `/metrics`. */
export function deferredIn(metrics: string): number {
  return Number(/^llamacpp:requests_deferred (\d+)/m.exec(metrics)?.[1] ?? 0);
}

/** Names of buffers in main memory: `CPU`, `CPU_Mapped`, `CPU_REPACK`, `AMX`, `CUDA_Host`. Any other is on a device. Source: ggml_backend_buft_name in ggml. */
const HOST_BUFFER = /^(CPU|AMX|BLAS|HBM|KleidiAI)|_Host$/;

/** Lines of the log that nothing else tells. The last of each kind counts: the fit before the load writes them too. */
export function toldByLog(log: string): {
  readonly layers: { readonly offloaded: number; readonly of: number } | null;
  /** Some of the weights lie on a device; null: the log does not name where they lie. */
  readonly onDevice: boolean | null;
  readonly kvCache: string | null;
  readonly flashAttention: 'on' | 'off' | null;
} {
  const layers = last(log, /offloaded (\d+)\/(\d+) layers to GPU/g);
  const kv = last(log, /llama_kv_cache\w*:.*\bK \((\w+)\):.*\bV \((\w+)\):/g);
  const flash = last(log, /\bflash_attn\s*= (enabled|disabled|on|off|1|0)\b/g)?.[1];
  const buffers = [...log.slice(layers?.index ?? 0).matchAll(/load_tensors: +(\S+) model buffer size = +[\d.]+/g)];
  return {
    onDevice: buffers.length === 0 ? null : buffers.some(([, name]) => !HOST_BUFFER.test(name ?? '')),
    layers: layers && { offloaded: Number(layers[1]), of: Number(layers[2]) },
    kvCache: kv && kvCacheOf(kv[1] ?? null, kv[2] ?? null),
    flashAttention: flash === undefined ? null : /enabled|on|1/.test(flash) ? 'on' : 'off',
  };
}

function last(text: string, pattern: RegExp): RegExpExecArray | null {
  return [...text.matchAll(pattern)].at(-1) ?? null;
}

/** Every layer counts as `all`, and as enough where more layers were asked than there are. Without a buffer on a device there is none on one, whatever the log claims. */
function layersInForce({ layers, onDevice }: ReturnType<typeof toldByLog>, asked: Scalar): Scalar {
  if (!layers) return null;
  if (onDevice === false) return 0;
  if (layers.offloaded !== layers.of) return layers.offloaded;
  return typeof asked === 'number' && asked >= layers.of ? asked : 'all';
}

/**
 * Rounding up is how the engine keeps its word; a shared buffer lets each request use more than its part. Layers that were
 * asked onto a GPU and lie on the CPU lie there because there is none.
 */
export const compare: Compare = (field, asked, loaded, fields) => {
  if (asked === loaded) return 'same';
  if (field === 'context' && typeof asked === 'number' && typeof loaded === 'number' && loaded > asked)
    return loaded - asked < CONTEXT_STEP || fields['options.kvUnified'] === true ? 'same' : 'moved';
  return field === 'offload.gpuLayers' && loaded === 0 ? 'unfulfilled' : 'moved';
};

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner !== null && typeof inner === 'object' ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}

function numberAt(value: unknown, ...path: readonly string[]): number | null {
  const found = at(value, path);
  return typeof found === 'number' ? found : null;
}

/** An empty text tells nothing. */
function textAt(value: unknown, ...path: readonly string[]): string | null {
  const found = at(value, path);
  return typeof found === 'string' && found !== '' ? found : null;
}

function booleanAt(value: unknown, ...path: readonly string[]): boolean | null {
  const found = at(value, path);
  return typeof found === 'boolean' ? found : null;
}
