import type { BackendSpec, JsonObject, ModelSpec } from '../../domain/desired.ts';
import type { Fields, Scalar } from '../../domain/fields.ts';
import { portOf, servesItself } from './options.ts';

/** What a server is told by its environment when it starts, and what is one for all its models, by the field that says so. */
const VARIABLES = {
  parallel: 'OLLAMA_NUM_PARALLEL',
  kvCache: 'OLLAMA_KV_CACHE_TYPE',
  cpuMoeLayers: 'LLAMA_ARG_N_CPU_MOE',
  devices: 'CUDA_VISIBLE_DEVICES',
} as const;
type ServerKey = keyof typeof VARIABLES;

const FIELDS: Readonly<Record<ServerKey, string>> = {
  parallel: 'parallel',
  kvCache: 'kvCache',
  cpuMoeLayers: 'offload.cpuMoeLayers',
  devices: 'offload.devices',
};
const KEYS = Object.keys(VARIABLES) as readonly ServerKey[];

/** Where it listens and where it keeps its models: a setting of the backend, and in force for each copy on it. */
export const SERVER_FIELD = 'options.server';

/** Each engine library reads a variable of its own. */
const MORE_DEVICES = ['ROCR_VISIBLE_DEVICES', 'GGML_VK_VISIBLE_DEVICES'];

/** Variables of the surroundings that would change settings of a server unseen. */
export const HIDDEN_ENV =
  /^(LLAMA_ARG_.*|OLLAMA_(HOST|MODELS|NUM_PARALLEL|KV_CACHE_TYPE|FLASH_ATTENTION|MAX_LOADED_MODELS|CONTEXT_LENGTH|NO_CLOUD))$/;

/** What a server that llmops starts is started with. */
export type ServerSettings = Readonly<Record<ServerKey, Scalar>> & {
  /** As {@link SERVER_FIELD} says it. */
  readonly server: string;
};

/** Settings on which the models of one server do not agree, and about which `server` says nothing. */
export function disputed({ options }: Pick<BackendSpec, 'options'>): readonly string[] {
  const { disputed: keys } = (options['served'] ?? {}) as JsonObject;
  return Array.isArray(keys) ? keys.map(String) : [];
}

/** The backend with the settings that its server is to be started with: those under `server`, else what its models ask for. */
export function servedFor(spec: BackendSpec, models: readonly ModelSpec[]): BackendSpec {
  if (!servesItself(spec.options)) return spec;
  const said = (spec.options['server'] ?? {}) as JsonObject;
  const asked = Object.fromEntries(KEYS.map((key) => [key, new Set(models.map((model) => askedBy(model)[key]).filter(isSaid))]));
  const open = KEYS.filter((key) => scalarOf(said[key]) === null);
  const settled = KEYS.map((key) => [key, scalarOf(said[key]) ?? largest(asked[key]) ?? (key === 'parallel' ? 1 : null)] as const);
  const served = {
    ...Object.fromEntries(settled),
    disputed: open.filter((key) => (asked[key]?.size ?? 0) > 1),
    models: models.length,
  };
  return { ...spec, options: { ...spec.options, served } };
}

/** What a model asks of its server. */
export function askedBy({ parallel, kvCache, offload }: ModelSpec): Readonly<Record<ServerKey, Scalar>> {
  return { parallel, kvCache, cpuMoeLayers: offload.cpuMoeLayers, devices: offload.devices?.join(',') ?? null };
}

function isSaid(value: Scalar): boolean {
  return value !== null;
}

/** Of several numbers the largest one: more slots than asked for are fine. */
function largest(values: ReadonlySet<Scalar> | undefined): Scalar {
  const all = [...(values ?? [])];
  return all.length > 0 && all.every((value) => typeof value === 'number') ? Math.max(...(all as number[])) : (all[0] ?? null);
}

function scalarOf(value: unknown): Scalar {
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}

/** The settings of {@link servedFor}. */
export function settingsIn({ options }: Pick<BackendSpec, 'options'>): ServerSettings {
  const served = (options['served'] ?? {}) as JsonObject;
  const store = options['store'];
  return {
    ...fromKeys((key) => scalarOf(served[key])),
    server: `127.0.0.1:${portOf(options)}${typeof store === 'string' ? `, ${store}` : ''}`,
  };
}

/** Settings as fields of each model on that server: whatever changes one of them starts it anew, and all its models with it. */
export function asFields(settings: ServerSettings): Fields {
  return { ...Object.fromEntries(KEYS.map((key) => [FIELDS[key], settings[key]])), [SERVER_FIELD]: settings.server };
}

/** The inverse of {@link asFields}: the server that an instance was planned for. */
export function ofFields(fields: Fields): ServerSettings {
  return { ...fromKeys((key) => fields[FIELDS[key]] ?? null), server: String(fields[SERVER_FIELD]) };
}

/** The port of a server with these settings. */
export function portIn({ server }: ServerSettings): number {
  return Number(/:(\d+)/.exec(server)?.[1]);
}

/** True if a copy with these fields needs no other server. */
export function sameServer(a: Fields, b: Fields): boolean {
  return [...Object.values(FIELDS), SERVER_FIELD].every((field) => (a[field] ?? null) === (b[field] ?? null));
}

/** Room for two copies of each model of the stack, and for more than it has now: a number that grows with each model would restart the server. */
function mostLoaded({ options }: Pick<BackendSpec, 'options'>): number {
  const { models } = (options['served'] ?? {}) as JsonObject;
  return Math.max(16, 2 * (typeof models === 'number' ? models : 0));
}

/** The environment of a server, besides the surroundings. `store`: absolute path of its models; null: Ollama's own place. */
export function environmentFor(
  settings: ServerSettings,
  spec: Pick<BackendSpec, 'options'>,
  store: string | null,
): Readonly<Record<string, string>> {
  const { server, devices, kvCache } = settings;
  const told = KEYS.flatMap((key) => (settings[key] === null ? [] : [[VARIABLES[key], String(settings[key])] as const]));
  return {
    ...Object.fromEntries(told),
    ...(devices === null ? {} : Object.fromEntries(MORE_DEVICES.map((name) => [name, String(devices)]))),
    // Without it a type that is quantized is not used, and nobody says so.
    ...(kvCache === null || kvCache === 'f16' ? {} : { OLLAMA_FLASH_ATTENTION: '1' }),
    ...(store === null ? {} : { OLLAMA_MODELS: store }),
    OLLAMA_HOST: server.split(', ')[0] as string,
    OLLAMA_NO_CLOUD: '1',
    OLLAMA_MAX_LOADED_MODELS: String(mostLoaded(spec)),
  };
}

/** What a running server was told, from its own environment. `written`: the store as the stack writes it, if that is the one. */
export function toldBy(env: Readonly<Record<string, string>>, written: (store: string) => string): Fields {
  const { OLLAMA_HOST: address = '', OLLAMA_MODELS: store } = env;
  const told = (key: ServerKey): Scalar => {
    const text = env[VARIABLES[key]];
    return text !== undefined && (key === 'parallel' || key === 'cpuMoeLayers') ? Number(text) : (text ?? null);
  };
  return asFields({ ...fromKeys(told), server: `${address}${store === undefined ? '' : `, ${written(store)}`}` });
}

function fromKeys(value: (key: ServerKey) => Scalar): Readonly<Record<ServerKey, Scalar>> {
  return { parallel: value('parallel'), kvCache: value('kvCache'), cpuMoeLayers: value('cpuMoeLayers'), devices: value('devices') };
}
