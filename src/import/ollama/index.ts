import type { Json } from '../../domain/desired.ts';
import { engineBehind } from '../../domain/copies.ts';
import { isLoopback } from '../../domain/http.ts';
import { compareText } from '../../domain/text.ts';
import { USUAL_REGISTRIES } from '../../domain/weights.ts';
import { entry, group, type Entry, type Imported, type Item, type NotCarried } from '../imported.ts';
import { countOf, integerOf, listOf, mapOf, textOf } from '../json.ts';
import { plainModelName } from '../names.ts';
import { lossesOf } from './losses.ts';
import { fullName, provenanceOf, type Provenance } from './origin.ts';
import { blobDigest, ollamaModel, type OllamaModel } from './shown.ts';

/** What an Ollama server answered. */
export interface OllamaAnswers {
  /** Its address, free of secrets. */
  readonly url: string;
  readonly version: string | null;
  /** /api/tags */
  readonly tags: unknown;
  /** /api/ps */
  readonly ps: unknown;
  /** /api/show by name; null: it could not be had. */
  readonly shown: ReadonlyMap<string, unknown>;
  /** Paths of blobs that can be read on this machine. */
  readonly readable: ReadonlySet<string>;
}

const BACKEND = 'ollama';

/** What an Ollama server has, as backends and models of llmops.yaml. Pure. */
export function importOllama(answers: OllamaAnswers): Imported {
  const rows = listOf(mapOf(answers.tags)['models']);
  const models = rows
    .map((row) => ollamaModel(row, answers.shown.get(String(mapOf(row)['name'] ?? mapOf(row)['model']))))
    .filter((model) => model !== null)
    .sort((a, b) => compareText(a.name, b.name));
  const all = new Map(models.map((model) => [fullName(model.name), model]));
  const loaded = loadedIn(answers.ps);
  const taken = models.map((model) => takeModel(model, { all, loaded, readable: answers.readable }));
  const items = taken.map(({ item }) => item).filter((item) => item !== null);
  const idle = items.filter(({ entries }) => entries.some(({ key }) => key === 'load')).length;
  return {
    from: `Ollama${answers.version === null ? '' : ` ${answers.version}`} at ${answers.url}`,
    backends: items.length === 0 ? [] : [backendFor(answers, items)],
    models: items.map((item) => ({ ...item, backend: BACKEND })),
    notCarried: [...(items.length === 0 ? [] : aboutServer(idle)), ...taken.flatMap(({ notCarried }) => notCarried)],
    ...storeOf(answers, models),
  };
}

/** Models that came from elsewhere than the usual registries: without their own on the list the file would not be valid. */
function backendFor({ url }: OllamaAnswers, items: readonly Item[]): Item {
  const sources = items.flatMap(({ entries }) => entries.filter(({ key }) => key === 'source').map(({ value }) => String(value)));
  const others = sources.flatMap((source) => {
    const [host, ...rest] = source.startsWith('ollama:') ? source.slice('ollama:'.length).split('/') : [];
    const isOther = host !== undefined && rest.length > 1 && !isLoopback(host) && !USUAL_REGISTRIES.includes(host.toLowerCase());
    return isOther ? [host.toLowerCase()] : [];
  });
  const registries = others.length === 0 ? null : [...USUAL_REGISTRIES, ...new Set(others)];
  const listed = entry('registries', registries, 'models of this server came from them: take out what you do not trust');
  return { original: BACKEND, notes: [], entries: [...entry('type', 'ollama'), ...entry('url', url), ...listed] };
}

/** Its blobs tell the folder; what cannot be read cannot be pinned from there. */
function storeOf({ readable, version }: OllamaAnswers, models: readonly OllamaModel[]): Pick<Imported, 'store'> {
  const folder = [...readable].map((path) => /^(.+)\/blobs\/sha256-[0-9a-f]{64}$/.exec(path)?.[1]).find((found) => found !== undefined);
  if (folder === undefined) return {};
  const manifests = models.flatMap(({ name, digest }) => (digest === null ? [] : [[fullName(name), digest] as const]));
  return { store: { folder, manifests: Object.fromEntries(manifests), engine: version === null ? null : engineBehind('ollama', version) } };
}

function aboutServer(idle: number): readonly NotCarried[] {
  return [
    {
      what: "the server's own settings (OLLAMA_NUM_PARALLEL, OLLAMA_KV_CACHE_TYPE, OLLAMA_KEEP_ALIVE, ...)",
      why: 'they stand in its environment, and no request reads them',
    },
    ...(idle === 0
      ? []
      : [
          {
            what: `${idle} ${idle === 1 ? 'model that does' : 'models that do'} not stay in memory for ever`,
            why: 'written with `load: on-demand`: Ollama loads them when they are asked for, and lets them go when they are idle',
          },
        ]),
  ];
}

/** What /api/ps tells of one that is in memory. */
interface Loaded {
  /** Context in force; null: it does not tell. */
  readonly context: number | null;
  /** It was asked to stay for ever. */
  readonly stays: boolean;
}

/** "For ever" is the longest duration that Go has: 292 years from the last request on. */
const FOR_EVER = '2200';

/** /api/ps, by full name. */
function loadedIn(ps: unknown): ReadonlyMap<string, Loaded> {
  return new Map(
    listOf(mapOf(ps)['models']).map((row) => {
      const { name, model, context_length: context, expires_at: expires } = mapOf(row);
      return [fullName(String(name ?? model)), { context: countOf(context), stays: (textOf(expires) ?? '') > FOR_EVER }] as const;
    }),
  );
}

interface Known {
  readonly all: ReadonlyMap<string, OllamaModel>;
  readonly loaded: ReadonlyMap<string, Loaded>;
  readonly readable: ReadonlySet<string>;
}

interface Taken {
  readonly item: Item | null;
  readonly notCarried: readonly NotCarried[];
}

function takeModel(model: OllamaModel, known: Known): Taken {
  const skipped = (why: string): Taken => ({ item: null, notCarried: [{ what: model.name, why }] });
  if (/^llmops\//i.test(model.name) || model.isOurs) return skipped('llmops made it itself, for a model of another llmops.yaml');
  if (model.cloud || /[:-]cloud$/i.test(model.name)) return skipped('it runs in the cloud: only a stub of it is on the server');
  if (!model.shown) return skipped('the server listed it and could not show it');
  const from = provenanceOf(model, known.all);
  if (from.kind === 'local') return local(model, from, known);
  return written(model, from.source, from.base, known, from.derived);
}

/** Made on the server from a file: taken from its blob where this machine can read it. */
function local(model: OllamaModel, from: Provenance & { readonly kind: 'local' }, known: Known): Taken {
  const isReadable = from.path !== null && known.readable.has(from.path);
  if (!isReadable && from.place !== null) return written(model, from.place, null, known, false);
  if (!isReadable) {
    const why =
      model.blobs.length > 1
        ? 'it was made on that server from weights and a projector, and llmops has no key for a projector on Ollama'
        : 'it was made on that server from a file, and no registry has it (a model of the library brings a licence). Declare it with `source: file:` and the file';
    return { item: null, notCarried: [{ what: model.name, why }] };
  }
  const taken = written(model, `file:${from.path}`, null, known, true);
  return {
    ...taken,
    item: taken.item && { ...taken.item, notes: [...taken.item.notes, 'made on the server from a file: no registry has it'] },
  };
}

function written(model: OllamaModel, source: string, base: OllamaModel | null, known: Known, derived: boolean): Taken {
  const lost = (what: string, why: string): NotCarried => ({ what, why, where: model.name });
  const digest = blobDigest(model.blobs[0] ?? ''); // projectors follow the weights
  const { num_ctx: asked, num_gpu: layers } = model.parameters;
  const loaded = known.loaded.get(fullName(model.name));
  const context = Math.min(countOf(asked) ?? loaded?.context ?? Infinity, model.contextTrained ?? Infinity);
  const isKnown = Number.isFinite(context) && (countOf(asked) !== null || typeof loaded?.context === 'number');
  const item: Item = {
    original: model.name,
    wish: plainModelName(model.name),
    notes: [noteOf(model, derived && source.startsWith('ollama:') ? source : null)].filter((note) => note !== ''),
    entries: [
      ...entry('source', source),
      ...entry('quantization', model.quantization),
      ...entry('sha256', digest),
      ...entry('context', isKnown ? context : null, isKnown && countOf(asked) === null ? 'as it is loaded now' : undefined),
      ...entry('offload', offloadOf(integerOf(layers))),
      // What is loaded just now goes in five minutes, unless somebody wanted it to stay.
      ...(loaded?.stays === true ? [] : entry('load', 'on-demand')),
      ...group('options', derived ? optionsOf(model, base) : []),
    ],
  };
  const cut = countOf(asked) !== null && isKnown && context < Number(asked) ? context : null;
  const notCarried = [
    ...lossesOf(model, base, { derived, fromFile: source.startsWith('file:') }).map(([what, why]) => lost(what, why)),
    ...(cut === null ? [] : [lost('num_ctx', `the model was trained for ${cut} tokens, and Ollama cuts what is above`)]),
  ];
  return { item, notCarried };
}

function noteOf(model: OllamaModel, base: string | null): string {
  const facts = [model.size, model.digest === null ? null : `manifest ${model.digest.slice(0, 12)}`].filter((fact) => fact !== null);
  return [...(base === null ? [] : [`made from ${base.replace(/^ollama:/, '')}`]), ...facts].join('; ');
}

function offloadOf(layers: number | null): Json {
  if (layers === null || layers < 0) return null;
  if (layers === 0) return 'none';
  return layers >= 999 ? 'all' : { gpuLayers: layers };
}

/** Parameters that are keys of their own. Source: api.Runner of Ollama. */
const LOAD_KEYS: Readonly<Record<string, string>> = { num_batch: 'batch', num_thread: 'threads', use_mmap: 'mmap', main_gpu: 'mainGpu' };
const ELSEWHERE = new Set(['num_ctx', 'num_gpu', ...Object.keys(LOAD_KEYS)]);

/** What a derived model says beyond its base. */
function optionsOf(model: OllamaModel, base: OllamaModel | null): readonly Entry[] {
  const changed = Object.entries(model.parameters).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(base?.parameters[name]),
  );
  return [
    ...changed.flatMap(([name, value]) => (Object.hasOwn(LOAD_KEYS, name) ? entry(LOAD_KEYS[name] as string, value) : [])),
    ...(model.system !== (base?.system ?? '') ? entry('system', model.system || null) : []),
    ...(model.template !== (base?.template ?? '') ? entry('template', model.template || null) : []),
    ...(model.renderer !== (base?.renderer ?? '') ? entry('renderer', model.renderer || null) : []),
    ...(model.parser !== (base?.parser ?? '') ? entry('parser', model.parser || null) : []),
    ...group(
      'parameters',
      changed.filter(([name]) => !ELSEWHERE.has(name)).flatMap(([name, value]) => entry(name, value)),
    ),
  ];
}
