/** What a flag of llama-server becomes. `drop`: llmops decides it, and nothing is lost · `lose`: it is lost, for a reason. */
export type Meaning =
  | { readonly as: 'value'; readonly name: string }
  | { readonly as: 'switch'; readonly name: string }
  | { readonly as: 'drop'; readonly takes: 0 | 1 }
  | { readonly as: 'lose'; readonly takes: 0 | 1; readonly why: string };

const value = (name: string): Meaning => ({ as: 'value', name });
const on = (name: string): Meaning => ({ as: 'switch', name });
const lose = (takes: 0 | 1, why: string): Meaning => ({ as: 'lose', takes, why });

const TLS = 'engines listen on loopback only, without TLS';
const KEEP = 'llmops decides it';

/** By spelling. Whatever stands in no row goes into `options.args` as it is. Source: llama-server --help, 0.5 to 0.7 and before. */
const TABLE: readonly (readonly [Meaning, ...string[]])[] = [
  [value('model'), '-m', '--model'],
  [value('modelUrl'), '-mu', '--model-url'],
  [value('hfRepo'), '-hf', '-hfr', '--hf-repo'],
  [value('hfFile'), '-hff', '--hf-file'],
  [value('alias'), '-a', '--alias'],
  [value('context'), '-c', '--ctx-size'],
  [value('parallel'), '-np', '--parallel'],
  [value('keys'), '-ctk', '--cache-type-k'],
  [value('values'), '-ctv', '--cache-type-v'],
  [value('layers'), '-ngl', '--gpu-layers', '--n-gpu-layers'],
  [value('cpuMoeLayers'), '-ncmoe', '--n-cpu-moe'],
  [value('devices'), '-dev', '--device'],
  [value('batch'), '-b', '--batch-size'],
  [value('ubatch'), '-ub', '--ubatch-size'],
  [value('threads'), '-t', '--threads'],
  [value('loadMode'), '-lm', '--load-mode'],
  [value('template'), '--chat-template'],
  [value('templateFile'), '--chat-template-file'],
  [value('cacheRam'), '-cram', '--cache-ram'],
  [value('overrideTensor'), '-ot', '--override-tensor'],
  [value('tensorSplit'), '-ts', '--tensor-split'],
  [value('splitMode'), '-sm', '--split-mode'],
  [value('mainGpu'), '-mg', '--main-gpu'],
  [value('keyFile'), '--api-key-file'],
  [value('host'), '--host'],
  [value('port'), '--port'],
  [on('unified'), '-kvu', '--kv-unified'],
  [on('notUnified'), '-no-kvu', '--no-kv-unified'],
  [on('noMmap'), '--no-mmap'],
  [on('mlock'), '--mlock'],
  [on('directIo'), '--direct-io', '-dio'],
  [
    { as: 'drop', takes: 0 },
    '--mmap',
    '--metrics',
    '--jinja',
    '--slots',
    '--no-ui',
    '--no-webui',
    '--offline',
    '--log-disable',
    '--log-jsonl',
    '-v',
    '--verbose',
  ],
  [{ as: 'drop', takes: 1 }, '-lv', '--verbosity', '--log-verbosity', '--tags', '--kv-unified-per-slot'],
  [lose(1, 'llmops keeps the log, see `llmops logs`'), '--log-file'],
  [lose(1, 'other machines belong to the backend: write them under its `rpc`'), '--rpc'],
  [lose(1, 'models in Docker Hub are nothing that llmops can fetch'), '-dr', '--docker-repo'],
  [lose(1, 'one server that loads many models is many models here: declare each'), '--models-dir', '--models-preset'],
  [lose(1, TLS), '--ssl-key-file', '--ssl-cert-file'],
  [lose(0, TLS), '--reuse-port'],
  [lose(0, KEEP), '--no-jinja', '--no-slots'],
  [lose(1, KEEP), '--api-prefix'],
  [lose(0, 'it prints something and ends'), '--version', '--help', '-h', '--usage', '--list-devices'],
];

/** What each spelling means. */
export const MEANINGS: ReadonlyMap<string, Meaning> = new Map(
  TABLE.flatMap(([meaning, ...names]) => names.map((name) => [name, meaning] as const)),
);

/** Variables that llama-server reads like flags. Source: llama-server --help, `(env: ...)`. */
const VARIABLES: Readonly<Record<string, string>> = {
  LLAMA_ARG_MODEL: '-m',
  LLAMA_ARG_MODEL_URL: '-mu',
  LLAMA_ARG_HF_REPO: '-hf',
  LLAMA_ARG_HF_FILE: '-hff',
  LLAMA_ARG_ALIAS: '-a',
  LLAMA_ARG_CTX_SIZE: '-c',
  LLAMA_ARG_N_PARALLEL: '-np',
  LLAMA_ARG_CACHE_TYPE_K: '-ctk',
  LLAMA_ARG_CACHE_TYPE_V: '-ctv',
  LLAMA_ARG_N_GPU_LAYERS: '-ngl',
  LLAMA_ARG_N_CPU_MOE: '-ncmoe',
  LLAMA_ARG_DEVICE: '-dev',
  LLAMA_ARG_BATCH: '-b',
  LLAMA_ARG_UBATCH: '-ub',
  LLAMA_ARG_THREADS: '-t',
  LLAMA_ARG_FLASH_ATTN: '-fa',
  LLAMA_ARG_CHAT_TEMPLATE: '--chat-template',
  LLAMA_ARG_CHAT_TEMPLATE_FILE: '--chat-template-file',
  LLAMA_ARG_CACHE_RAM: '-cram',
  LLAMA_ARG_TENSOR_SPLIT: '-ts',
  LLAMA_ARG_SPLIT_MODE: '-sm',
  LLAMA_ARG_MAIN_GPU: '-mg',
  LLAMA_ARG_OVERRIDE_TENSOR: '-ot',
  LLAMA_ARG_LOAD_MODE: '-lm',
  LLAMA_ARG_API_KEY_FILE: '--api-key-file',
  LLAMA_ARG_RPC: '--rpc',
  LLAMA_ARG_HOST: '--host',
  LLAMA_ARG_PORT: '--port',
  LLAMA_API_KEY: '--api-key',
};

/** Those that switch something, with the flag for on and the one for off; null: that is how it is without a flag, too. */
const SWITCHES: Readonly<Record<string, readonly [string | null, string | null]>> = {
  LLAMA_ARG_KV_UNIFIED: ['-kvu', '-no-kvu'],
  LLAMA_ARG_ENDPOINT_METRICS: ['--metrics', null],
  LLAMA_ARG_ENDPOINT_SLOTS: [null, '--no-slots'],
  LLAMA_ARG_JINJA: [null, '--no-jinja'],
};

/** What llama-server takes for off: `common_arg` of llama.cpp. */
const OFF = /^(?:off|disabled|0|false)$/;

/** Words that stand for a variable; null: only the engine understands it. */
function wordsOf(name: string, text: string): readonly string[] | null {
  if (Object.hasOwn(VARIABLES, name)) return [VARIABLES[name] as string, text];
  if (!Object.hasOwn(SWITCHES, name)) return null;
  const word = SWITCHES[name]?.[OFF.test(text) ? 1 : 0] ?? null;
  return word === null ? [] : [word];
}

/** Variables as words before the flags, which win over them; and those that only the engine understands. */
export function wordsOfVariables(env: Readonly<Record<string, string>>): {
  readonly words: readonly string[];
  readonly unknown: readonly string[];
} {
  const ours = Object.entries(env).filter(([name]) => /^LLAMA_(ARG_|API_KEY$)/.test(name));
  return {
    words: ours.flatMap(([name, text]) => wordsOf(name, text) ?? []),
    unknown: ours.flatMap(([name, text]) => (wordsOf(name, text) === null ? [name] : [])),
  };
}
