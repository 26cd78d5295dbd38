/** The command line of the fake: the part of llama-server 0.7.0's that llmops uses, and how older builds differ. */
export interface Settings {
  readonly model: string;
  readonly host: string;
  readonly port: number;
  readonly alias: string | null;
  readonly tags: readonly string[];
  readonly context: number;
  /** null: automatic, four slots that share one context. */
  readonly parallel: number | null;
  readonly unified: boolean;
  readonly perSlot: number | null;
  readonly cacheK: string;
  readonly cacheV: string;
  readonly layers: string;
  readonly flash: string;
  readonly verbosity: number;
  readonly metrics: boolean;
  readonly slots: boolean;
}

const TYPES = 'f32, f16, bf16, q8_0, q4_0, q4_1, iq4_nl, q5_0, q5_1';

/** Help lines that both builds have. */
const COMMON = [
  '-h,    --help, --usage                  print usage and exit',
  '--version                               show version and build info',
  '-t,    --threads N                      number of CPU threads to use during generation (default: <num_cpus>)',
  '-c,    --ctx-size N                     size of the prompt context (default: 0, 0 = loaded from model)',
  '-b,    --batch-size N                   logical maximum batch size (default: 2048)',
  '-ub,   --ubatch-size N                  physical maximum batch size (default: 512)',
  `-ctk,  --cache-type-k TYPE              KV cache data type for K\n                                        allowed values: ${TYPES}`,
  `-ctv,  --cache-type-v TYPE              KV cache data type for V\n                                        allowed values: ${TYPES}`,
  '--rpc SERVERS                           comma-separated list of RPC servers (host:port)',
  '-dev,  --device <dev1,dev2,..>          comma-separated list of devices to use for offloading',
  '-ot,   --override-tensor <pattern>=<buffer type>,...',
  '-ncmoe, --n-cpu-moe N                   keep the Mixture of Experts (MoE) weights of the first N layers in the',
  '-sm,   --split-mode {none,layer,row}    how to split the model across multiple GPUs',
  '-ts,   --tensor-split N0,N1,N2,...      fraction of the model to offload to each GPU',
  '-mg,   --main-gpu INDEX                 the GPU to use for the model',
  '-m,    --model FNAME                    model path to load',
  '-lv,   --verbosity, --log-verbosity N   Set the verbosity threshold.',
  '--warmup, --no-warmup                   whether to perform warmup with an empty run (default: enabled)',
  '-np,   --parallel N                     number of server slots',
  '-a,    --alias STRING                   set model name aliases, comma-separated (to be used by API)',
  '--host HOST                             IP addresses to listen on',
  '--port PORT                             port to listen (default: 9931)',
  '--api-key KEY                           API key to use for authentication',
  '--metrics                               enable prometheus compatible metrics endpoint (default: disabled)',
  '--slots, --no-slots                     expose slots monitoring endpoint (default: enabled)',
  '--jinja, --no-jinja                     whether to use jinja template engine for chat (default: enabled)',
  '--chat-template JINJA_TEMPLATE          set custom jinja chat template',
  '--chat-template-file JINJA_TEMPLATE_FILE',
];
const NEW = [
  '                                         - 4: trace (more info)',
  '--offline                               Offline mode: forces use of cache, prevents network access',
  '--tags STRING                           set model tags, comma-separated (informational, not used for routing)',
  "-ngl,  --gpu-layers, --n-gpu-layers N   max. number of layers to store in VRAM, either an exact number,\n                                        'auto', or 'all' (default: auto)",
  '-fa,   --flash-attn [on|off|auto]       set Flash Attention use',
  '-kvu,  --kv-unified, -no-kvu, --no-kv-unified',
  '--kv-unified-per-slot N                 context limit per parallel slot',
  '-cram, --cache-ram N                    set the maximum cache size in MiB',
  '-lm,   --load-mode MODE                 model loading mode (default: auto)',
  '--ui,  --webui, --no-ui, --no-webui     whether to enable the Web UI (default: enabled)',
];
const OLD = [
  '-ngl,  --gpu-layers, --n-gpu-layers N   number of layers to store in VRAM',
  '-fa,   --flash-attn                     enable Flash Attention (default: disabled)',
  '--mlock                                 force system to keep model in RAM rather than swapping or compressing',
  '--no-mmap                               do not memory-map model',
  '--no-webui                              Disable the Web UI (default: enabled)',
];

/** What `--help` prints. */
export function helpText(build: string): string {
  return ['----- common params -----', '', ...COMMON, ...(build === 'b4000' ? OLD : NEW), ''].join('\n');
}

/** What `--version` prints. */
export function versionText(build: string): string {
  return build === 'b4000' ? 'version: 4000 (abcdef0)\nbuilt with fake' : `version: ${build} (build 11669, commit fake)\nbuilt with fake`;
}

const SWITCHES =
  /^(--warmup|--no-warmup|--metrics|--slots|--no-slots|--jinja|--no-jinja|--offline|--ui|--webui|--no-ui|--no-webui|--mlock|--no-mmap|-kvu|--kv-unified|-no-kvu|--no-kv-unified)$/;

/** Takes the words apart. Throws an Error with the text that the real one prints before it exits with 1. */
export function parseSettings(words: readonly string[], build: string): Settings {
  const known = new Set(helpText(build).match(/(?<=^|[\s,])--?[a-z][a-z-]*/gm));
  const values = new Map<string, string>();
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as string;
    if (!known.has(word)) throw new Error(`error: invalid argument: ${word}`);
    const isSwitch = SWITCHES.test(word) || (build === 'b4000' && /^(-fa|--flash-attn)$/.test(word));
    values.set(word, isSwitch ? 'true' : (words[(index += 1)] ?? ''));
  }
  const value = (...names: readonly string[]) => names.map((name) => values.get(name)).find((found) => found !== undefined);
  for (const name of ['--cache-type-k', '--cache-type-v']) {
    const type = values.get(name);
    if (type !== undefined && !TYPES.split(', ').includes(type))
      throw new Error(`error while handling argument "${name}": Unsupported cache type: ${type}\n\nusage:\n`);
  }
  const device = value('--device', '-dev');
  if (device !== undefined && device !== 'none')
    throw new Error(`error while handling argument "-dev": invalid device: ${device}\n\nusage:\n`);
  const number = (...names: readonly string[]) => (value(...names) === undefined ? null : Number(value(...names)));
  return {
    model: value('--model', '-m') ?? '',
    host: value('--host') ?? '127.0.0.1',
    port: number('--port') ?? 9931,
    alias: value('--alias', '-a') ?? null,
    tags: (value('--tags') ?? '').split(',').filter(Boolean),
    context: number('--ctx-size', '-c') ?? 0,
    parallel: number('--parallel', '-np'),
    unified: values.has('--kv-unified') || values.has('-kvu'),
    perSlot: number('--kv-unified-per-slot'),
    cacheK: value('--cache-type-k', '-ctk') ?? 'f16',
    cacheV: value('--cache-type-v', '-ctv') ?? 'f16',
    layers: value('--gpu-layers', '--n-gpu-layers', '-ngl') ?? 'auto',
    flash: value('--flash-attn', '-fa') ?? 'auto',
    verbosity: number('--log-verbosity', '--verbosity', '-lv') ?? 3,
    metrics: values.has('--metrics'),
    slots: !values.has('--no-slots'),
  };
}
