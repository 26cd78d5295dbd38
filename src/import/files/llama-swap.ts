import { parseForeign, wrongFile, type ForeignFile } from '../foreign.ts';
import { entry, type Entry, type Imported, type Item, type NotCarried } from '../imported.ts';
import { integerOf, listOf, mapOf, textOf, type Unknowns } from '../json.ts';
import { shellWords } from '../words.ts';
import { backendsFor, takeCall } from './program.ts';

/** Keys of a model that are carried, or that say only how llama-swap itself finds the process. */
const UNDERSTOOD = new Set([
  'cmd',
  'env',
  'ttl',
  'macros',
  'proxy',
  'checkEndpoint',
  'cmdStop',
  'name',
  'description',
  'unlisted',
  'metadata',
  'aliases',
]);
/** Keys of the file that are carried, or that say nothing about models. */
const QUIET = new Set(['models', 'macros', 'logLevel', 'logTimeFormat', 'logToStdout', 'metricsMaxInMemory', 'startPort', 'hooks']);
const NO_KEY = 'llmops has no key for it';
const WAITS: Readonly<Record<string, string>> = {
  healthCheckTimeout: 'llmops waits ten minutes for a model to answer, and longer for large weights',
};

/** A config.yaml of llama-swap. Pure. Source: its docs/config.example.yaml. */
export function importLlamaSwap(file: ForeignFile): Imported {
  const root = parseForeign(file);
  if (!('models' in root) || Array.isArray(root['models'])) throw wrongFile(file, 'llama-swap', 'models');
  const macros = macrosOf(root['macros']);
  const preload = new Set(listOf(mapOf(mapOf(root['hooks'])['on_startup'])['preload']).map(String));
  const taken = Object.entries(mapOf(root['models'])).map(([name, model]) => takeModel(name, mapOf(model), { macros, preload, file }));
  const models = taken.flatMap(({ model }) => (model === null ? [] : [model]));
  const { backends, notCarried } = backendsFor(models);
  const onDemand = models.some(({ entries }) => entries.some(({ key }) => key === 'load'));
  return {
    from: `llama-swap's ${file.name}`,
    backends,
    models,
    notCarried: [
      ...(onDemand ? [ON_DEMAND] : []),
      ...notCarried,
      ...Object.keys(root)
        .filter((key) => !QUIET.has(key))
        .map((key): NotCarried => ({ what: key, why: WAITS[key] ?? NO_KEY })),
      ...taken.flatMap((one) => one.notCarried),
    ],
  };
}

const ON_DEMAND: NotCarried = {
  what: 'loading on demand',
  why: 'written as `load: on-demand`, which this version does not act on: every model runs all the time. Take out what does not fit',
};

interface Around {
  readonly macros: Macros;
  readonly preload: ReadonlySet<string>;
  readonly file: ForeignFile;
}

function takeModel(
  name: string,
  model: Unknowns,
  { macros, preload, file }: Around,
): { readonly model: (Item & { readonly backend: string }) | null; readonly notCarried: readonly NotCarried[] } {
  const known: Macros = new Map([...macros, ...macrosOf(model['macros']), ['MODEL_ID', name]]);
  const cmd = expand(textOf(model['cmd']) ?? '', known);
  const words = cmd === null ? null : shellWords(cmd);
  if (words === null || words.length === 0)
    return { model: null, notCarried: [{ what: name, why: 'its `cmd` is empty, or more than one program and its flags' }] };
  const open = words.filter((word) => word.includes('${') && !word.includes('${PORT}'));
  const call = takeCall({
    original: name,
    words,
    env: variablesOf(listOf(model['env']), known),
    path: file.path,
  });
  const lost = (what: string, why: string): NotCarried => ({ what, why, where: name });
  return {
    model: call.model && { ...call.model, entries: timed(call.model.entries, preload.has(name), integerOf(model['ttl'])) },
    notCarried: [
      ...call.notCarried.filter(({ what }) => what !== '--port'), // llama-swap chooses it
      ...open.map((word) => lost(/\$\{[^}]*\}?/.exec(word)?.[0] ?? 'a macro', 'the file does not say what it stands for')),
      ...(listOf(model['aliases']).length > 0 ? [lost('aliases', 'a model has one name in llmops')] : []),
      ...Object.keys(model)
        .filter((key) => !UNDERSTOOD.has(key))
        .map((key) => lost(key, NO_KEY)),
    ],
  };
}

/** llama-swap loads by the first request, and unloads after `ttl` seconds, if that is set. */
function timed(entries: readonly Entry[], preloaded: boolean, ttl: number | null): readonly Entry[] {
  const head = entries.filter(({ key }) => key !== 'options');
  const load = preloaded && !ttl ? [] : [...entry('load', 'on-demand'), ...entry('idle', ttl !== null && ttl > 0 ? `${ttl}s` : null)];
  return [...head, ...load, ...entries.filter(({ key }) => key === 'options')];
}

type Macros = ReadonlyMap<string, string>;

/** A map, or a list of maps with one key each. */
function macrosOf(value: unknown): Macros {
  const maps = Array.isArray(value) ? value.map(mapOf) : [mapOf(value)];
  return new Map(maps.flatMap((map) => Object.entries(map).map(([name, text]) => [name, String(text)] as const)));
}

const DEEPEST = 10;
const LONGEST = 64 * 1024;

/** Puts macros in, macros in macros too; what is not known stays. null: they never end. */
function expand(text: string, macros: Macros): string | null {
  let result = text;
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    const next = result.replace(/\$\{([\w.-]+)\}/g, (all, name: string) => macros.get(name) ?? all);
    if (next.length > LONGEST) return null;
    if (next === result) return result;
    result = next;
  }
  return null;
}

function variablesOf(list: readonly unknown[], macros: Macros): Readonly<Record<string, string>> {
  const pairs = list.map((item) => expand(String(item), macros) ?? '').filter((item) => item.indexOf('=') > 0);
  return Object.fromEntries(pairs.map((item) => [item.slice(0, item.indexOf('=')), item.slice(item.indexOf('=') + 1)]));
}
