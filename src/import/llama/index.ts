import type { Json } from '../../domain/desired.ts';
import { isLoopback } from '../../domain/http.ts';
import { entry, group, type Entry, type NotCarried } from '../imported.ts';
import { countOf, integerOf } from '../json.ts';
import { looksSecret, plainUrl } from '../secrets.ts';
import { wordsOfVariables } from './flags.ts';
import { parseWords, type Told } from './parse.ts';

/** Where a llama-server's words stood. */
export interface LlamaCall {
  /** Without the program's name. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A path in the words as one that llmops.yaml can use; null: it leads nowhere here. */
  readonly path: (written: string) => string | null;
}

/** A model as llama-server was told to run it. */
export interface LlamaModel {
  /** null: nothing that llmops can fetch or open. */
  readonly source: string | null;
  /** What clients call it there. */
  readonly alias: string | null;
  readonly entries: readonly Entry[];
  readonly lost: readonly Omit<NotCarried, 'where'>[];
  /** Requests at once, if it was said. */
  readonly parallel: number | null;
  /** Total tokens of all requests, if it was said. */
  readonly contextTotal: number | null;
}

/** Turns a call of llama-server into keys of a model on a `llama.cpp` backend. Pure. */
export function llamaModel(call: LlamaCall): LlamaModel {
  const { words, unknown } = wordsOfVariables(call.env);
  const told = parseWords([...words, ...call.words]);
  const get = (name: string): string | null => told.values.get(name) ?? null;
  const parallel = countOf(get('parallel'));
  const contextTotal = countOf(get('context'));
  const [alias = null, ...aliases] = (get('alias') ?? '').split(',').filter((name) => name.trim() !== '');
  const from = sourceOf(get, call.path);
  const template = get('templateFile') === null ? null : call.path(get('templateFile') as string);
  return {
    source: from.source,
    alias,
    parallel,
    contextTotal,
    entries: [
      ...entry('source', from.source),
      ...entry('quantization', from.quantization),
      ...entry('context', contextTotal === null ? null : Math.floor(contextTotal / (parallel ?? 1))),
      ...entry('parallel', parallel),
      ...entry('kvCache', get('keys') === get('values') ? get('keys') : null),
      ...offload(told),
      ...group('options', options(told, template, call.path)),
    ],
    lost: [
      ...told.lost,
      ...lostValues(told, aliases),
      ...(template === null && get('templateFile') !== null
        ? [{ what: '--chat-template-file', why: 'its file cannot be found from here' }]
        : []),
      ...from.lost,
      ...unknown.map((what) => ({ what, why: 'llmops has no key for this variable' })),
    ],
  };
}

type Get = (name: string) => string | null;

interface From {
  readonly source: string | null;
  readonly quantization: string | null;
  readonly lost: LlamaModel['lost'];
}

function sourceOf(get: Get, path: LlamaCall['path']): From {
  const none: From = { source: null, quantization: null, lost: [] };
  const [model, repo, file, url] = [get('model'), get('hfRepo'), get('hfFile'), get('modelUrl')];
  if (model !== null && repo === null && url === null) {
    const here = path(model);
    return here === null
      ? { ...none, lost: [{ what: '--model', why: 'its path leads nowhere on this machine' }] }
      : { ...none, source: `file:${here}` };
  }
  if (repo !== null) {
    const [name = '', quantization = null] = repo.split(':');
    return { ...none, source: `hf:${name}${file === null ? '' : `/${file}`}`, quantization: quantization?.toUpperCase() ?? null };
  }
  const plain = url === null ? null : plainUrl(url);
  if (plain === null) return none;
  const lost = plain.stripped
    ? [{ what: '--model-url', why: 'what follows the path, or stands before the host, may be a secret: only the address is kept' }]
    : [];
  return { ...none, source: plain.url, lost };
}

function offload({ values }: Told): readonly Entry[] {
  const layers = layersOf(values.get('layers') ?? null);
  const moe = integerOf(values.get('cpuMoeLayers'));
  const devices = listed(values.get('devices'));
  if (moe === null && devices === null && typeof layers === 'string') return entry('offload', layers);
  return group('offload', [
    ...entry('gpuLayers', layers === 'none' ? 0 : layers),
    ...entry('cpuMoeLayers', moe),
    ...entry('devices', devices),
  ]);
}

/** `-ngl 99` is how people write "all of them". */
const ALL_LAYERS = 99;

function layersOf(text: string | null): number | 'all' | 'none' | null {
  const layers = integerOf(text);
  if (text === 'all' || (layers !== null && layers >= ALL_LAYERS)) return 'all';
  return layers === null || layers < 0 ? null : layers === 0 ? 'none' : layers;
}

function options(told: Told, template: string | null, path: LlamaCall['path']): readonly Entry[] {
  const { values } = told;
  const get: Get = (name) => values.get(name) ?? null;
  const keyFile = get('keyFile') === null ? null : path(get('keyFile') as string);
  const ram = integerOf(get('cacheRam'));
  const key: Json = told.hadKey ? { env: 'LLAMA_API_KEY' } : keyFile === null ? null : { file: keyFile };
  return [
    ...entry('flashAttention', flashOf(get('flash'))),
    ...entry('batch', countOf(get('batch'))),
    ...entry('ubatch', countOf(get('ubatch'))),
    ...entry('threads', countOf(get('threads'))),
    ...entry('loadMode', loadModeOf(get)),
    ...entry('chatTemplate', get('template') !== null && /^[\w.-]+$/.test(get('template') as string) ? get('template') : null),
    ...entry('chatTemplateFile', template),
    ...entry('kvUnified', get('unified') !== null ? true : get('notUnified') !== null ? false : null),
    ...entry('cacheRam', ram === null || ram < 0 ? null : ram === 0 ? '0B' : `${ram}MiB`),
    ...entry('overrideTensor', listed(get('overrideTensor'))),
    ...entry('tensorSplit', listed(get('tensorSplit'))?.map(Number) ?? null),
    ...entry('splitMode', get('splitMode')),
    ...entry('mainGpu', integerOf(get('mainGpu'))),
    ...entry('apiKey', key, told.hadKey ? 'the key itself was not copied: put it into this variable' : undefined),
    ...entry('args', told.rest.length === 0 ? null : told.rest),
  ];
}

function flashOf(text: string | null): string | null {
  if (text === null || text === 'auto') return null;
  return /^(off|0|false)$/.test(text) ? 'off' : 'on';
}

function loadModeOf(get: Get): string | null {
  const mode = get('loadMode');
  if (mode !== null) return mode === 'mmap+mlock' ? 'mlock' : mode;
  if (get('mlock') !== null) return 'mlock';
  return get('noMmap') !== null ? 'none' : get('directIo') !== null ? 'dio' : null;
}

function listed(text: string | null | undefined): readonly string[] | null {
  const items = (text ?? '').split(',').filter((item) => item !== '');
  return items.length === 0 ? null : items;
}

/** What has a key, and a value that no key takes. */
function lostValues({ values }: Told, aliases: readonly string[]): LlamaModel['lost'] {
  const get: Get = (name) => values.get(name) ?? null;
  const [keys, cells] = [get('keys'), get('values')];
  const host = get('host');
  const template = get('template');
  const when = (is: boolean, what: string, why: string): LlamaModel['lost'] => (is ? [{ what, why }] : []);
  return [
    ...when(keys !== cells, '--cache-type-k, --cache-type-v', 'keys and values have one type in llmops: `kvCache`'),
    ...when(get('context') === '0', '--ctx-size 0', "a context is a number in llmops: write the model's own"),
    ...when(aliases.length > 0, '--alias', 'a model has one name in llmops; the first one is taken'),
    ...when(host !== null && !isLoopback(host), '--host', 'engines listen on loopback only'),
    ...when(
      /^\d+$/.test(get('port') ?? ''),
      '--port',
      'llmops takes a free port. `options.port` keeps a fixed one, and then every change has a gap',
    ),
    ...when(
      template !== null && (looksSecret(template) || !/^[\w.-]+$/.test(template)),
      '--chat-template',
      'write the template into a file and name it in `options.chatTemplateFile`',
    ),
    ...when((integerOf(get('cacheRam')) ?? 0) < 0, '--cache-ram', 'llmops takes a size there; absent, the engine decides'),
  ];
}
