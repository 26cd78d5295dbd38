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

/** Flags with a value that llmops sets itself, besides those in {@link FLAGS}. */
const OWN_WITH_VALUE = [
  MODEL,
  HOST,
  PORT,
  ALIAS,
  TAGS,
  CONTEXT,
  CONTEXT_PER_SLOT,
  PARALLEL,
  KV_K,
  KV_V,
  LAYERS,
  FLASH,
  LOAD_MODE,
  TEMPLATE,
  TEMPLATE_FILE,
  VERBOSITY,
].flat();
/** Flags without one. */
const OWN_SWITCHES: readonly string[] = [NO_MMAP, MLOCK, DIRECT_IO, JINJA, SLOTS, NO_UI, OFFLINE].flat();
/** Flags that would take a server out of llmops' hands: other weights, a router, another log, another way in. */
const TAKEN_AWAY: readonly string[] = [
  '--model-url',
  '-mu',
  '--hf-repo',
  '-hf',
  '-hfr',
  '--hf-file',
  '-hff',
  '--docker-repo',
  '-dr',
  '--models-dir',
  '--models-preset',
  '--log-file',
  '--log-disable',
  '--log-jsonl',
  '--no-slots',
  '--no-jinja',
  '--mmap',
  '--api-prefix',
  '--api-key',
  '--api-key-file',
  '--ssl-key-file',
  '--ssl-cert-file',
  '--reuse-port',
  '--version',
  '--help',
  '-h',
  '--usage',
  '--list-devices',
];

/** True if people cannot give this flag in `args`: llmops sets it, or would lose the server by it. */
export function isManaged(flag: string): boolean {
  const names = [...OWN_WITH_VALUE, ...OWN_SWITCHES, ...TAKEN_AWAY, ...FLAGS.flatMap((known) => [...known.names, ...(known.off ?? [])])];
  return names.includes(flag);
}

/** A command line taken apart: the value of each flag that llmops sets (last one wins, as in llama-server), and the words left over. */
export interface ParsedArgs {
  value(names: readonly string[]): string | null;
  has(names: readonly string[]): boolean;
  readonly rest: readonly string[];
}

/** Takes llama-server's arguments apart, from the first flag on: what stands before is the program. */
export function parseArgs(args: readonly string[]): ParsedArgs {
  const values = new Map<string, string>();
  const rest: string[] = [];
  const withValue = new Set<string>([
    ...OWN_WITH_VALUE,
    ...FLAGS.filter((flag) => flag.kind !== 'switch' && flag.kind !== 'pair').flatMap((flag) => flag.names),
  ]);
  const first = args.findIndex((word) => word.startsWith('-') && isManaged(word));
  const words = first < 0 ? [] : args.slice(first);
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as string;
    if (withValue.has(word)) values.set(word, words[(index += 1)] ?? '');
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
