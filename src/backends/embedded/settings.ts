import type { Artifact, BackendSpec, InstanceSpec, ModelSpec } from '../../domain/desired.ts';
import { asScalar, portableFields } from '../../domain/fields.ts';
import type { Fields, PortableField, Price, Scalar, WishedFields } from '../../domain/fields.ts';

/** The settings of an option field are whole numbers, booleans or nothing: the schema says so. */
const OPTIONS = ['threads', 'batch', 'flashAttention', 'port'] as const;

/** Everything is fixed when the model is loaded; only the way to the file is no setting of the process. */
export const prices: Readonly<Record<PortableField | `options.${(typeof OPTIONS)[number]}`, Price>> = {
  source: 'live',
  digest: 'replace',
  context: 'restart',
  parallel: 'restart',
  kvCache: 'restart',
  'offload.gpuLayers': 'restart',
  'offload.cpuMoeLayers': 'restart',
  'offload.devices': 'restart',
  chatTemplate: 'restart',
  'options.threads': 'restart',
  'options.batch': 'restart',
  'options.flashAttention': 'restart',
  'options.port': 'restart',
};

/** The settings that an instance must run with. The model's own options win over its backend's. Pure. */
export function fieldsOf(model: ModelSpec, artifact: Artifact, backend: BackendSpec): WishedFields {
  const option = (name: string): Scalar => asScalar(model.options[name]) ?? asScalar(backend.options[name]);
  return {
    ...portableFields(model, artifact),
    chatTemplate: null,
    ...Object.fromEntries(OPTIONS.map((name) => [`options.${name}`, option(name)])),
  };
}

/** The server's arguments for these settings, without the program. Pure; {@link toldBy} reads them back. */
export function tell(spec: InstanceSpec, port: number): readonly string[] {
  const { fields } = spec;
  const flash = fields['options.flashAttention'] ?? null;
  const flags: readonly (readonly [string, Scalar | undefined])[] = [
    ['--model', spec.weights.path],
    ['--host', '127.0.0.1'],
    ['--port', port],
    ['--alias', spec.model],
    ['--tags', `llmops-${spec.specHash}`],
    ['--parallel', fields['parallel']],
    ['--ctx-size', fields['context']],
    ['--threads', fields['options.threads']],
    ['--batch-size', fields['options.batch']],
    ['--flash-attn', flash === null ? null : flash ? 'on' : 'off'],
  ];
  return flags.flatMap(([flag, value]) => (value === null || value === undefined ? [] : [flag, String(value)]));
}

/** The value behind a flag; null: the flag is not there. Pure. */
export function valueOf(args: readonly string[], flag: string): string | null {
  const at = args.indexOf(flag);
  return at < 0 ? null : (args[at + 1] ?? null);
}

/** What a running server was told, from its own arguments. A null value: it was not told, or arguments cannot tell. Pure. */
export function toldBy(args: readonly string[]): Fields {
  const count = (flag: string): number | null => {
    const text = valueOf(args, flag);
    return text !== null && /^\d+$/.test(text) ? Number(text) : null;
  };
  const flash = valueOf(args, '--flash-attn');
  return {
    source: null,
    digest: null,
    context: count('--ctx-size'),
    parallel: count('--parallel'),
    kvCache: null,
    'offload.gpuLayers': null,
    'offload.cpuMoeLayers': null,
    'offload.devices': null,
    chatTemplate: null,
    'options.threads': count('--threads'),
    'options.batch': count('--batch-size'),
    'options.flashAttention': flash === 'on' ? true : flash === 'off' ? false : null,
    'options.port': null,
  };
}

/** What a serving server says is in force, from its `/props` and where it listens. A null value: it does not tell. Pure. */
export function loadedFrom(props: unknown, endpoint: string): Fields {
  const at = (...path: readonly string[]): unknown =>
    path.reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
      props,
    );
  const flash = at('embedded', 'flash_attention');
  const kvCache = at('embedded', 'kv_cache');
  return {
    source: null,
    digest: null,
    context: number(at('default_generation_settings', 'n_ctx')),
    parallel: number(at('total_slots')),
    kvCache: typeof kvCache === 'string' ? kvCache : null,
    'offload.gpuLayers': number(at('embedded', 'gpu_layers')),
    'offload.cpuMoeLayers': null,
    'offload.devices': null,
    chatTemplate: null,
    'options.threads': number(at('embedded', 'threads')),
    'options.batch': number(at('embedded', 'batch')),
    'options.flashAttention': flash === 'on' ? true : flash === 'off' ? false : null,
    'options.port': Number(new URL(endpoint).port),
  };
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
