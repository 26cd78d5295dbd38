import { canonicalJson, type Hash } from '../domain/canonical.ts';
import type { JsonSchema } from '../domain/backend.ts';
import { atLeast as finerThan } from '../domain/quantization.ts';
import type { BackendSpec, Desired, DriftPolicy, Json, JsonObject, ModelSpec } from '../domain/desired.ts';
import type { Place } from '../domain/problem.ts';
import { daemonSpec, policySpec, retentionSpec } from './daemon.ts';
import { inertSpots } from './inert.ts';
import { plain, spot, type Located } from './located.ts';
import { placeOf } from './report.ts';
import { fileSchema, optionSchemas } from './schema.gen.js';
import { parseSource } from './source.ts';
import type { TextFile } from './text.ts';
import { bytes, milliseconds } from './units.ts';
import type { Written } from './written.gen.ts';

type WrittenModel = NonNullable<Written['models']>[string];
type WrittenBackend = NonNullable<Written['backends']>[string];

/** What the file asks for, with every default decided here and nowhere else. The tree must be free of problems. */
export function normalize(
  root: Located,
  file: TextFile,
  names: { readonly folderName: string; readonly environment: string | null; readonly hash: Hash },
): Desired {
  const written = plain(root) as Written;
  const typeOf = (name: string): string | undefined => written.backends?.[name]?.type;
  const { spots, models: inertModels } = inertSpots(root, typeOf);
  const { prompts, slos, gateway, daemon, policy, retention } = written;
  const declared = [...inertModels].sort();
  const acted = Object.entries(written.models ?? {}).filter(([name]) => !inertModels.has(name));
  const meaning = {
    stack: written.name ?? stackName(names.folderName),
    backends: sortedEntries(written.backends ?? {}).map(([name, backend]) => backendSpec(name, backend)),
    models: acted.sort(byName).map(([name, model]) => modelSpec(name, model, typeOf(model.backend) ?? '')),
  };
  return {
    ...meaning,
    file: file.path,
    environment: names.environment,
    revision: names.hash(
      canonicalJson({
        ...meaning,
        prompts,
        slos,
        gateway,
        daemon,
        policy,
        retention,
        inert: declared.map((name) => [name, written.models?.[name]]),
      }),
    ),
    inert: spots.map(({ path, reason, at }) => ({ path, reason, place: placeOf(file, at) })),
    inertModels: declared,
    allowOutside: written.allowOutside ?? false,
    ...(daemon !== undefined && { daemon: daemonSpec(daemon) }),
    ...(policy !== undefined && { policy: policySpec(policy) }),
    ...(retention !== undefined && { retention: retentionSpec(retention) }),
    places: places(root, file),
  };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function sortedEntries<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(byName);
}

/** A folder's name as a stack's name: letters, digits, dots and dashes. */
export function stackName(folderName: string): string {
  const clean = folderName
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return clean === '' ? 'stack' : clean;
}

function backendSpec(name: string, { type, reserve, ...options }: WrittenBackend): BackendSpec {
  const schemas = fileSchema['properties'] as Record<string, JsonSchema>;
  const branches = (schemas['backends']!['additionalProperties'] as JsonSchema)['oneOf'] as readonly JsonSchema[];
  const branch = branches.find((one) => (one['properties'] as Record<string, JsonSchema>)['type']!['const'] === type)!;
  const { type: _type, reserve: _reserve, ...properties } = branch['properties'] as Record<string, JsonSchema>;
  return {
    name,
    type,
    reserve: { vramBytes: bytes(reserve?.vram ?? '0B'), ramBytes: bytes(reserve?.ram ?? '0B') },
    options: settings({ ...branch, properties }, options as JsonObject),
  };
}

function modelSpec(name: string, model: WrittenModel, type: string): ModelSpec {
  return {
    name,
    backend: model.backend,
    source: parseSource(model.source, model.revision ?? null)!, // the rules have refused what is misspelled
    quantizations: quantizations(model.quantization),
    sha256: model.sha256?.toLowerCase() ?? null,
    context: model.context ?? null,
    parallel: model.parallel ?? 1,
    kvCache: model.kvCache === undefined || model.kvCache === 'auto' ? null : model.kvCache,
    offload: offload(model.offload),
    load: model.load ?? 'always',
    drift: drift(model.drift),
    rollout: rollout(model.rollout),
    protect: model.protect ?? false,
    options: settings(optionSchemas[type] ?? {}, (model.options ?? {}) as JsonObject),
  };
}

function quantizations(written: WrittenModel['quantization']): readonly string[] {
  if (written === undefined || written === 'auto') return [];
  if (typeof written === 'string') return [written];
  if (Array.isArray(written)) return [...written];
  const { prefer = [], atLeast } = written as { readonly prefer?: readonly string[]; readonly atLeast?: string | null };
  return [...new Set([...prefer, ...(atLeast ? finerThan(atLeast) : [])])];
}

function offload(written: WrittenModel['offload'] = 'auto'): ModelSpec['offload'] {
  if (typeof written === 'string')
    return { gpuLayers: written === 'auto' ? null : written === 'all' ? 'all' : 0, cpuMoeLayers: null, devices: null };
  return { gpuLayers: written.gpuLayers ?? null, cpuMoeLayers: written.cpuMoeLayers ?? null, devices: written.devices ?? null };
}

function drift(written: WrittenModel['drift'] = 'correct'): ModelSpec['drift'] {
  if (typeof written === 'string') return { default: written, fields: {} };
  return { default: written.default ?? 'correct', fields: { ...(written.fields as Readonly<Record<string, DriftPolicy>> | undefined) } };
}

function rollout(written: WrittenModel['rollout'] = {}): ModelSpec['rollout'] {
  return {
    strategy: written.strategy ?? 'auto',
    holdMs: milliseconds(written.hold ?? '120s'),
    drainMs: milliseconds(written.drain ?? '60s'),
    bakeMs: milliseconds(written.bake ?? '10m'),
  };
}

/** A backend's own settings: sizes as bytes, times as milliseconds, defaults filled in; keys whose default is `null` are left out. */
function settings(schema: JsonSchema, written: JsonObject): JsonObject {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  const result: Record<string, Json> = {};
  for (const [key, property] of Object.entries(properties)) {
    const value = written[key] ?? (property['default'] as Json | undefined) ?? null;
    if (value !== null) result[key] = setting(property, value);
  }
  return result;
}

function setting(schema: JsonSchema, value: Json): Json {
  const union = schema['anyOf'] as readonly JsonSchema[] | undefined;
  if (union) return setting(union.find((branch) => branch['type'] === (Array.isArray(value) ? 'array' : typeof value)) ?? {}, value);
  if (schema['x-kind'] === 'size') return bytes(String(value));
  if (schema['x-kind'] === 'duration') return milliseconds(String(value));
  if (Array.isArray(value)) return value.map((item) => setting((schema['items'] ?? {}) as JsonSchema, item as Json));
  return value !== null && typeof value === 'object' ? settings(schema, value as JsonObject) : value;
}

function places(root: Located, file: TextFile): Readonly<Record<string, Place>> {
  const result = Object.create(null) as Record<string, Place>;
  const add = (located: Located, path: string): void => {
    if (path !== '') result[path] = placeOf(file, spot(located));
    if (located.node.kind === 'map') for (const [key, member] of located.node.members) add(member, path === '' ? key : `${path}.${key}`);
    if (located.node.kind === 'list') for (const [index, member] of located.node.items.entries()) add(member, `${path}.${index}`);
  };
  add(root, '');
  return result;
}
