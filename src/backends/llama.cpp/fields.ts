import type { Artifact, BackendSpec, Json, JsonObject, ModelSpec } from '../../domain/desired.ts';
import { asScalar, portableFields } from '../../domain/fields.ts';
import type { PortableField, Price, Scalar, WishedFields } from '../../domain/fields.ts';
import { referenceText } from '../../secrets/reference.ts';
import { joinWords } from './flags.ts';

/** llama-server fixes everything at start; only where the weights came from costs nothing. */
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
  'options.flashAttention': 'restart',
  'options.batch': 'restart',
  'options.ubatch': 'restart',
  'options.threads': 'restart',
  'options.loadMode': 'restart',
  'options.kvUnified': 'restart',
  'options.cacheRam': 'restart',
  'options.port': 'restart',
  'options.overrideTensor': 'restart',
  'options.tensorSplit': 'restart',
  'options.splitMode': 'restart',
  'options.mainGpu': 'restart',
  'options.metrics': 'restart',
  'options.apiKey': 'restart',
  'options.rpc': 'restart',
  'options.args': 'restart',
};

/** The settings that an instance must run with; null: the engine decides. Pure. */
export function fieldsOf(model: ModelSpec, artifact: Artifact, backend: BackendSpec): WishedFields {
  const { options } = model;
  const scalar = (key: string): Scalar => asScalar(options[key]);
  const unlessAuto = (key: string): Scalar => (options[key] === 'auto' ? null : scalar(key));
  return {
    ...portableFields(model, artifact),
    chatTemplate: chatTemplateOf(options, artifact),
    'options.flashAttention': unlessAuto('flashAttention'),
    'options.batch': scalar('batch'),
    'options.ubatch': scalar('ubatch'),
    'options.threads': scalar('threads'),
    'options.loadMode': unlessAuto('loadMode'),
    'options.kvUnified': scalar('kvUnified'),
    'options.cacheRam': wholeMebibytes(scalar('cacheRam')),
    'options.port': scalar('port'),
    'options.overrideTensor': joined(options['overrideTensor']),
    'options.tensorSplit': joined(options['tensorSplit']),
    'options.splitMode': scalar('splitMode'),
    'options.mainGpu': scalar('mainGpu'),
    'options.metrics': options['metrics'] !== false,
    'options.apiKey': referenceText(options['apiKey']),
    'options.rpc': joined(backend.options['rpc']),
    'options.args': joinWords(extraArgs(backend.options, options)),
  };
}

/** More flags that people gave: the backend's first, so that the model's win. */
export function extraArgs(backend: JsonObject, model: JsonObject): readonly string[] {
  return [...texts(backend['args']), ...texts(model['args'])];
}

/** A built-in template's name, or the digest of a file: with another text in it, it is another template. */
function chatTemplateOf(options: JsonObject, artifact: Artifact): string | null {
  const name = options['chatTemplate'];
  if (typeof name === 'string') return name;
  const file = options['chatTemplateFile'];
  return typeof file === 'string' ? (artifact.attachments?.[file] ?? `file:${file}`) : null;
}

/** llama-server counts this one in MiB. */
function wholeMebibytes(bytes: Scalar): Scalar {
  return typeof bytes === 'number' ? Math.ceil(bytes / 2 ** 20) * 2 ** 20 : bytes;
}

function joined(value: Json | undefined): string | null {
  return Array.isArray(value) && value.length > 0 ? value.map(String).join(',') : null;
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
