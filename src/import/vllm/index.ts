import type { Json } from '../../domain/desired.ts';
import { entry, group, type Entry, type Imported, type NotCarried } from '../imported.ts';
import { countOf, integerOf, listOf, mapOf, textOf } from '../json.ts';
import { isOpen, isSecretName, looksSecret } from '../secrets.ts';

/** A model as `vllm serve` was told to run it. */
export interface VllmModel {
  readonly source: string | null;
  /** What clients call it there. */
  readonly alias: string | null;
  readonly entries: readonly Entry[];
  readonly lost: readonly Omit<NotCarried, 'where'>[];
  /** True: a key stood in the words. It was not kept. */
  readonly hadKey: boolean;
}

/** Flags with a key of their own, by spelling. Source: `vllm serve --help`. */
const NAMES: Readonly<Record<string, string>> = {
  '--model': 'model',
  '--revision': 'revision',
  '--max-model-len': 'context',
  '--max-num-seqs': 'parallel',
  '--gpu-memory-utilization': 'memory',
  '--tensor-parallel-size': 'tensorParallel',
  '-tp': 'tensorParallel',
  '--dtype': 'dtype',
  '--quantization': 'quantization',
  '-q': 'quantization',
  '--served-model-name': 'alias',
  '--host': 'host',
  '--port': 'port',
};

interface Told {
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly rest: readonly string[];
  readonly lost: VllmModel['lost'];
  readonly hadKey: boolean;
}

/** Turns the words after `vllm serve` into keys of a model on a `vllm` backend. Pure. `path`: see `LlamaCall`. */
export function vllmModel(words: readonly string[], path: (written: string) => string | null): VllmModel {
  const told = parse(words);
  const first = (name: string): string | null => told.values.get(name)?.[0] ?? null;
  const model = first('model');
  const memory = Number(first('memory') ?? Number.NaN);
  const source = model === null ? null : sourceOf(model, path);
  return {
    source,
    alias: first('alias'),
    hadKey: told.hadKey,
    lost: told.lost,
    entries: [
      ...entry('source', source),
      ...(source?.startsWith('hf:') ? entry('revision', first('revision')) : []),
      ...entry('context', tokensOf(first('context'))),
      ...entry('parallel', countOf(first('parallel'))),
      ...group('options', [
        ...entry('gpuMemoryUtilization', Number.isFinite(memory) ? memory : null),
        ...entry('tensorParallel', integerOf(first('tensorParallel'))),
        ...entry('dtype', first('dtype')),
        ...entry('quantization', first('quantization')),
        ...entry('args', told.rest.length === 0 ? null : (told.rest as Json)),
      ]),
    ],
  };
}

/** A folder or file of this machine, or a repository of the Hub. */
function sourceOf(model: string, path: (written: string) => string | null): string | null {
  if (/^[\w.-]+\/[\w.-]+$/.test(model) && !/^\.\.?\//.test(model)) return `hf:${model}`;
  const here = path(model);
  return here === null ? null : `file:${here}`;
}

/** `8k` is 8,000 and `8K` 8,192, as vLLM reads it. */
function tokensOf(text: string | null): number | null {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([kKmM]?)$/.exec(text ?? '') ?? [];
  const factor = { k: 1000, K: 1024, m: 1_000_000, M: 1_048_576 }[unit ?? ''] ?? 1;
  return digits === undefined ? null : countOf(Math.floor(Number(digits) * factor));
}

const SECRET = 'it is a secret, and secrets are not copied';
const LOOKS = 'it looks like a secret, and secrets are not copied';

function parse(words: readonly string[]): Told {
  const values = new Map<string, string[]>();
  const rest: string[] = [];
  const lost: { what: string; why: string }[] = [];
  let hadKey = false;
  let open: string[] = rest; // where values go
  for (const [index, word] of words.entries()) {
    const [flag = '', joined] = word.startsWith('--') ? word.split(/=(.*)/s) : [word];
    const name = Object.hasOwn(NAMES, flag) ? (NAMES[flag] as string) : undefined;
    if (!/^-[^\d]/.test(word)) {
      if (index === 0) values.set('model', [word]);
      else if (open === rest && (looksSecret(word) || isOpen(word))) {
        if (looksSecret(word)) lost.push({ what: rest.at(-1) ?? 'a word', why: LOOKS });
        rest.pop(); // a flag without its value would take the next word for it
      } else if (!isOpen(word)) open.push(word);
    } else if (isSecretName(flag)) {
      hadKey ||= flag === '--api-key';
      if (flag !== '--api-key') lost.push({ what: flag, why: SECRET });
      open = []; // its value goes nowhere
    } else if (name === undefined) {
      open = rest;
      if (looksSecret(word)) lost.push({ what: flag, why: LOOKS });
      else if (!isOpen(word)) rest.push(word);
    } else {
      open = joined === undefined ? [] : [joined];
      values.set(name, open);
    }
  }
  const aliases = values.get('alias') ?? [];
  if (aliases.length > 1) lost.push({ what: '--served-model-name', why: 'a model has one name in llmops; the first one is taken' });
  return { values, rest, lost, hadKey };
}

/** What this version does with it, said wherever vLLM comes up. */
export const VLLM_INERT: NotCarried = {
  what: 'models on vLLM',
  why: 'they are declared and checked; this version does not run or change them',
};

/** What a vLLM server told about itself. */
export interface VllmAnswers {
  readonly url: string;
  readonly version: string | null;
  /** /v1/models */
  readonly models: unknown;
  /** The words after `vllm serve`, where it runs on this machine and they can be read. */
  readonly call: { readonly words: readonly string[]; readonly path: (written: string) => string | null } | null;
}

/** A running vLLM as a backend with its models. LoRA adapters, which it lists as models, are not carried. Pure. */
export function importVllm({ url, version, models, call }: VllmAnswers): Imported {
  const rows = listOf(mapOf(models)['data']).map(mapOf);
  const base = rows.find(({ parent }) => textOf(parent) === null) ?? {};
  const told = call === null ? null : vllmModel(call.words, call.path);
  const root = textOf(base['root']) ?? textOf(base['id']);
  const source = told?.source ?? (root === null ? null : sourceOf(root, () => (root.startsWith('/') ? root : null)));
  const original = told?.alias ?? textOf(base['id']) ?? 'model';
  const from = `vLLM${version === null ? '' : ` ${version}`} at ${url}`;
  const adapters = rows
    .filter(({ parent }) => textOf(parent) !== null)
    .map((row): NotCarried => ({ what: textOf(row['id']) ?? 'an adapter', why: 'llmops has no key for LoRA adapters' }));
  if (source === null)
    return { from, backends: [], models: [], notCarried: [{ what: original, why: 'the server does not tell which model it loaded' }] };
  const context = countOf(base['max_model_len']);
  const entries = told?.entries ?? entry('source', source);
  return {
    from,
    backends: [
      {
        original: 'vllm',
        notes: [],
        entries: [...entry('type', 'vllm'), ...entry('url', url), ...entry('apiKey', told?.hadKey ? { env: 'VLLM_API_KEY' } : null)],
      },
    ],
    models: [
      {
        original,
        wish: original.slice(original.lastIndexOf('/') + 1),
        backend: 'vllm',
        notes: [],
        entries:
          entries.some(({ key }) => key === 'context') || context === null
            ? entries
            : afterSource(entries, entry('context', context, 'as it runs now')),
      },
    ],
    notCarried: [
      VLLM_INERT,
      ...(told === null
        ? [{ what: 'flags', why: 'the server does not tell them, and its process cannot be read from here', where: url }]
        : []),
      ...(told?.lost ?? []).map((one): NotCarried => ({ ...one, where: original })),
      ...adapters,
    ],
  };
}

function afterSource(entries: readonly Entry[], more: readonly Entry[]): readonly Entry[] {
  const head = entries.filter(({ key }) => key === 'source' || key === 'revision');
  return [...head, ...more, ...entries.filter((one) => !head.includes(one))];
}
