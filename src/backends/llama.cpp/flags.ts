import type { Scalar } from '../../domain/fields.ts';

/** How one setting is written on llama-server's command line, and read back from it. */
export interface Flag {
  readonly field: string;
  /** Spellings, the preferred one first; builds come and go with some of them. */
  readonly names: readonly string[];
  /** `pair`: on or off by two flags, `names` and `off` · `switch`: there or not. */
  readonly kind: 'text' | 'number' | 'switch' | 'pair' | 'mebibytes';
  readonly off?: readonly string[];
}

/** Settings whose flag says just what the field says. The others (context, KV cache, layers, load mode) stand in command.ts. */
export const FLAGS: readonly Flag[] = [
  { field: 'offload.cpuMoeLayers', names: ['--n-cpu-moe', '-ncmoe'], kind: 'number' },
  { field: 'offload.devices', names: ['--device', '-dev'], kind: 'text' },
  { field: 'options.batch', names: ['--batch-size', '-b'], kind: 'number' },
  { field: 'options.ubatch', names: ['--ubatch-size', '-ub'], kind: 'number' },
  { field: 'options.threads', names: ['--threads', '-t'], kind: 'number' },
  { field: 'options.kvUnified', names: ['--kv-unified', '-kvu'], off: ['--no-kv-unified', '-no-kvu'], kind: 'pair' },
  { field: 'options.cacheRam', names: ['--cache-ram', '-cram'], kind: 'mebibytes' },
  { field: 'options.overrideTensor', names: ['--override-tensor', '-ot'], kind: 'text' },
  { field: 'options.tensorSplit', names: ['--tensor-split', '-ts'], kind: 'text' },
  { field: 'options.splitMode', names: ['--split-mode', '-sm'], kind: 'text' },
  { field: 'options.mainGpu', names: ['--main-gpu', '-mg'], kind: 'number' },
  { field: 'options.metrics', names: ['--metrics'], kind: 'switch' },
  { field: 'options.rpc', names: ['--rpc'], kind: 'text' },
];

export const MODEL = ['--model', '-m'] as const;
export const HOST = ['--host'] as const;
export const PORT = ['--port'] as const;
export const ALIAS = ['--alias', '-a'] as const;
export const TAGS = ['--tags'] as const;
export const CONTEXT = ['--ctx-size', '-c'] as const;
export const CONTEXT_PER_SLOT = ['--kv-unified-per-slot'] as const;
export const PARALLEL = ['--parallel', '-np'] as const;
export const KV_K = ['--cache-type-k', '-ctk'] as const;
export const KV_V = ['--cache-type-v', '-ctv'] as const;
export const LAYERS = ['--gpu-layers', '--n-gpu-layers', '-ngl'] as const;
export const FLASH = ['--flash-attn', '-fa'] as const;
export const LOAD_MODE = ['--load-mode', '-lm'] as const;
export const NO_MMAP = ['--no-mmap'] as const;
export const MLOCK = ['--mlock'] as const;
export const DIRECT_IO = ['--direct-io', '-dio'] as const;
export const TEMPLATE = ['--chat-template'] as const;
export const TEMPLATE_FILE = ['--chat-template-file'] as const;
export const JINJA = ['--jinja'] as const;
export const VERBOSITY = ['--log-verbosity', '--verbosity', '-lv'] as const;
export const SLOTS = ['--slots'] as const;
export const NO_UI = ['--no-ui', '--no-webui'] as const;
export const OFFLINE = ['--offline'] as const;

/** A flag that people cannot give in `args`: llmops sets it, or would lose the server by it. */
interface Managed {
  readonly names: readonly string[];
  /** What to do instead, as half a sentence. */
  readonly instead: string;
  /** `value`: llmops writes it with a value · `switch`: without one · `never`: llmops does not write it either. */
  readonly written: 'value' | 'switch' | 'never';
}

const DECIDED = 'llmops decides it';
const WEIGHTS = 'write the model under `models`';
const LOOPBACK = 'engines listen on loopback only';
const PRINTS = 'it prints something and ends, so no model would run';

const MANAGED: readonly Managed[] = [
  ...FLAGS.map(({ field, names, off = [], kind }): Managed => ({
    names: [...names, ...off],
    instead: field === 'options.rpc' ? 'use `rpc` of the backend' : `use \`${field}\``,
    written: kind === 'switch' || kind === 'pair' ? 'switch' : 'value',
  })),
  { names: MODEL, instead: WEIGHTS, written: 'value' },
  { names: ALIAS, instead: WEIGHTS, written: 'value' },
  { names: HOST, instead: LOOPBACK, written: 'value' },
  { names: PORT, instead: 'use `options.port`', written: 'value' },
  { names: TAGS, instead: DECIDED, written: 'value' },
  { names: CONTEXT, instead: 'use `context`', written: 'value' },
  { names: CONTEXT_PER_SLOT, instead: 'use `context`', written: 'value' },
  { names: PARALLEL, instead: 'use `parallel`', written: 'value' },
  { names: [...KV_K, ...KV_V], instead: 'use `kvCache`', written: 'value' },
  { names: LAYERS, instead: 'use `offload.gpuLayers`', written: 'value' },
  { names: FLASH, instead: 'use `options.flashAttention`', written: 'value' },
  { names: LOAD_MODE, instead: 'use `options.loadMode`', written: 'value' },
  { names: [...NO_MMAP, ...MLOCK, ...DIRECT_IO], instead: 'use `options.loadMode`', written: 'switch' },
  { names: ['--mmap'], instead: 'use `options.loadMode`', written: 'never' },
  { names: TEMPLATE, instead: 'use `options.chatTemplate`', written: 'value' },
  { names: TEMPLATE_FILE, instead: 'use `options.chatTemplateFile`', written: 'value' },
  { names: VERBOSITY, instead: 'llmops reads from the log how far a start has come', written: 'value' },
  { names: [...JINJA, ...SLOTS, ...NO_UI, ...OFFLINE], instead: DECIDED, written: 'switch' },
  { names: ['--no-jinja', '--no-slots', '--api-prefix'], instead: DECIDED, written: 'never' },
  { names: ['--log-file', '--log-disable', '--log-jsonl'], instead: 'type `llmops logs` to see the log', written: 'never' },
  {
    names: ['--model-url', '-mu', '--hf-repo', '-hf', '-hfr', '--hf-file', '-hff', '--docker-repo', '-dr'],
    instead: WEIGHTS,
    written: 'never',
  },
  { names: ['--models-dir', '--models-preset'], instead: WEIGHTS, written: 'never' },
  { names: ['--api-key', '--api-key-file'], instead: 'use `options.apiKey`', written: 'never' },
  { names: ['--reuse-port', '--ssl-key-file', '--ssl-cert-file'], instead: LOOPBACK, written: 'never' },
  { names: ['--version', '--help', '-h', '--usage', '--list-devices'], instead: PRINTS, written: 'never' },
];

/** Flags that people cannot give in `args`, each with what to do instead, as half a sentence. The one list of them. */
export const MANAGED_FLAGS: Readonly<Record<string, string>> = Object.fromEntries(
  MANAGED.flatMap(({ names, instead }) => names.map((name) => [name, instead])),
);

const WITH_VALUE: ReadonlySet<string> = new Set(MANAGED.filter(({ written }) => written === 'value').flatMap(({ names }) => names));

/** Flags with which llama-server prints something and ends: whatever else it was told, it serves nobody. */
export const PRINTING: ReadonlySet<string> = new Set(MANAGED.filter(({ instead }) => instead === PRINTS).flatMap(({ names }) => names));

/** True if people cannot give this flag in `args`. */
export function isManaged(flag: string): boolean {
  return Object.hasOwn(MANAGED_FLAGS, flag);
}

/** A command line taken apart: the value of each flag that llmops sets (last one wins, as in llama-server), and the words left over. */
export interface ParsedArgs {
  value(names: readonly string[]): string | null;
  has(names: readonly string[]): boolean;
  readonly rest: readonly string[];
}

/** Takes llama-server's arguments apart, from the first flag on: what stands before is the program. */
export function parseArgs(args: readonly string[]): ParsedArgs {
  const first = args.findIndex((word) => word.startsWith('-') && isManaged(word));
  return parseWords(first < 0 ? [] : args.slice(first));
}

/** Takes the words behind the program's name apart. */
export function parseWords(words: readonly string[]): ParsedArgs {
  const values = new Map<string, string>();
  const rest: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as string;
    if (WITH_VALUE.has(word)) values.set(word, words[(index += 1)] ?? '');
    else if (isManaged(word)) values.set(word, '');
    else rest.push(word);
  }
  return {
    value: (names) => names.map((name) => values.get(name)).find((value) => value !== undefined) ?? null,
    has: (names) => names.some((name) => values.has(name)),
    rest,
  };
}

/** A list of words as one text; words with blanks in quotes. */
export function joinWords(words: readonly string[]): string | null {
  return words.length === 0 ? null : words.map((word) => (/\s|^$/.test(word) ? JSON.stringify(word) : word)).join(' ');
}

/** The words of a flag for a value; none if the field is not declared. `name` is the spelling that this build knows. */
export function wordsFor(flag: Flag, name: string, value: Scalar): readonly string[] {
  if (flag.kind === 'switch' || flag.kind === 'pair') return value === false && flag.kind === 'switch' ? [] : [name];
  return [name, flag.kind === 'mebibytes' ? String(Math.ceil(Number(value) / 2 ** 20)) : String(value)];
}

/** The value that a parsed command line gives to a flag's field; null: it does not say. */
export function valueOf(flag: Flag, parsed: ParsedArgs): Scalar {
  if (flag.kind === 'switch') return parsed.has(flag.names);
  if (flag.kind === 'pair') return parsed.has(flag.names) ? true : parsed.has(flag.off ?? []) ? false : null;
  const text = parsed.value(flag.names);
  if (text === null || flag.kind === 'text') return text;
  const number = Number(text);
  if (!Number.isFinite(number)) return null;
  return flag.kind === 'mebibytes' ? number * 2 ** 20 : number;
}
