import type { BackendSpec, InstanceSpec } from '../../domain/desired.ts';
import type { Scalar } from '../../domain/fields.ts';
import type { Engine } from '../../domain/observed.ts';
import { ProblemError } from '../../domain/problem.ts';
import type { Command } from '../kit/engine.ts';
import { extraArgs } from './fields.ts';
import * as flag from './flags.ts';

type Present = Extract<Engine, { status: 'present' }>;

/** Names the reference of the key in a process's environment, so that it can be read back without the key. */
export const KEY_REFERENCE = 'LLMOPS_API_KEY_REFERENCE';
/** Names the chat template's digest or name, which the arguments do not hold. */
export const TEMPLATE_DIGEST = 'LLMOPS_CHAT_TEMPLATE';
/** Whose web pages may read answers; builds that do not know this variable pass over it. */
const CORS = 'LLAMA_ARG_CORS_ORIGINS';
/** Where llama-server looks for its key. */
export const KEY = 'LLAMA_API_KEY';

/** The command line for one instance. Pure. Throws `engine-cannot` for a setting that this build has no flag for: nothing is dropped in silence. */
export function commandFor(
  spec: InstanceSpec,
  port: number,
  engine: Present,
  backend: BackendSpec,
  fileAt = (written: string) => written,
): Command {
  const can = new Set(engine.capabilities);
  const need = (names: readonly string[], what: string) => {
    const name = names.find((known) => can.has(known));
    if (name === undefined) throw cannot(spec.model, engine, names, what);
    return name;
  };
  const told = (names: readonly string[], what: string, value: Scalar | undefined) =>
    value === null || value === undefined ? [] : [need(names, what), String(value)];
  const maybe = (names: readonly string[], ...value: string[]) => {
    const name = names.find((known) => can.has(known));
    return name === undefined ? [] : [name, ...value];
  };
  const { fields } = spec;
  const args = [
    ...told(flag.MODEL, 'the weights', spec.weights.path),
    ...told(flag.HOST, 'the address', '127.0.0.1'),
    ...told(flag.PORT, 'the port', port),
    ...told(flag.ALIAS, 'the name', spec.model),
    ...maybe(flag.TAGS, `llmops-${spec.specHash}`),
    ...told(flag.PARALLEL, 'parallel', fields['parallel']),
    ...told(flag.CONTEXT, 'context', contextTotal(fields['context'], fields['parallel'])),
    ...(fields['options.kvUnified'] === true && fields['context'] != null ? maybe(flag.CONTEXT_PER_SLOT, String(fields['context'])) : []),
    ...told(flag.KV_K, 'kvCache', fields['kvCache']),
    ...told(flag.KV_V, 'kvCache', fields['kvCache']),
    ...told(flag.LAYERS, 'offload.gpuLayers', layers(fields['offload.gpuLayers'], can)),
    ...flashWords(fields['options.flashAttention'] ?? null, can, need),
    ...loadModeWords(fields['options.loadMode'] ?? null, can, need),
    ...flag.FLAGS.flatMap((known) => simpleWords(known, fields[known.field] ?? null, need)),
    ...templateWords(spec, need, maybe, fileAt),
    ...maybe(flag.SLOTS),
    ...maybe(flag.NO_UI),
    ...maybe(flag.OFFLINE),
    // "offloaded 5/5 layers" and the KV cache's types are told in the log from this level on, and nowhere else.
    ...(can.has('verbosity:levels') ? maybe(flag.VERBOSITY, '4') : []),
    ...extraArgs(backend.options, spec.options),
  ];
  return { file: engine.at, args, env: environmentFor(spec) };
}

/** llama-server's context is the sum over its slots. */
function contextTotal(context: Scalar | undefined, parallel: Scalar | undefined): number | null {
  return typeof context === 'number' ? context * (typeof parallel === 'number' ? parallel : 1) : null;
}

type Need = (names: readonly string[], what: string) => string;

function layers(value: Scalar | undefined, can: ReadonlySet<string>): Scalar {
  // Builds that know numbers only: more layers than any model has.
  return value === 'all' && !can.has('gpu-layers:all') ? 999 : (value ?? null);
}

function flashWords(value: Scalar, can: ReadonlySet<string>, need: Need): readonly string[] {
  if (value === null) return [];
  const name = need(flag.FLASH, 'options.flashAttention');
  if (can.has('flash-attn:value')) return [name, String(value)];
  return value === 'on' ? [name] : [];
}

function loadModeWords(mode: Scalar, can: ReadonlySet<string>, need: Need): readonly string[] {
  if (mode === null) return [];
  if (flag.LOAD_MODE.some((name) => can.has(name)))
    return [need(flag.LOAD_MODE, 'options.loadMode'), mode === 'mlock' ? 'mmap+mlock' : String(mode)];
  if (mode === 'none') return [need(flag.NO_MMAP, 'options.loadMode none')];
  if (mode === 'mlock') return [need(flag.MLOCK, 'options.loadMode mlock')];
  return mode === 'dio' ? [need(flag.DIRECT_IO, 'options.loadMode dio')] : [];
}

function simpleWords(known: flag.Flag, value: Scalar, need: Need): readonly string[] {
  if (value === null || (value === false && known.kind === 'switch')) return [];
  const names = value === false && known.kind === 'pair' ? (known.off ?? []) : known.names;
  return flag.wordsFor(known, need(names, known.field), value);
}

function templateWords(
  spec: InstanceSpec,
  need: Need,
  maybe: (names: readonly string[], ...value: string[]) => readonly string[],
  fileAt: (written: string) => string,
): readonly string[] {
  const { chatTemplate, chatTemplateFile } = spec.options;
  if (typeof chatTemplate === 'string') return [need(flag.TEMPLATE, 'options.chatTemplate'), chatTemplate];
  if (typeof chatTemplateFile !== 'string') return [];
  return [...maybe(flag.JINJA), need(flag.TEMPLATE_FILE, 'options.chatTemplateFile'), fileAt(chatTemplateFile)];
}

function environmentFor(spec: InstanceSpec): Readonly<Record<string, string>> {
  const template = spec.fields['chatTemplate'];
  const key = spec.fields['options.apiKey'];
  return {
    // By default it lets any web page that the user opens read its answers. `args: [--cors-origins, …]` still wins over a variable.
    [CORS]: 'localhost',
    ...(typeof template === 'string' ? { [TEMPLATE_DIGEST]: template } : {}),
    ...(typeof key === 'string' ? { [KEY_REFERENCE]: key } : {}),
    ...(spec.fields['options.port'] == null ? {} : { LLMOPS_FIXED_PORT: '1' }),
  };
}

function cannot(model: string, engine: Present, names: readonly string[], what: string): ProblemError {
  return new ProblemError({
    code: 'engine-cannot',
    summary: `llama-server ${engine.version} has no flag for ${what} (${names.join(' or ')}), which ${model} needs.`,
    fix: `Take that setting away, or use another build than ${engine.at}.`,
  });
}
