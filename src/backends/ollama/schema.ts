import type { JsonSchema } from '../../domain/backend.ts';
import { USUAL_REGISTRIES } from '../../domain/weights.ts';

const absent = 'Absent: the engine decides.';
const hosts = (defaults: readonly string[], description: string): JsonSchema => ({
  type: 'array',
  items: { type: 'string', pattern: '^[\\w.-]+(:\\d{1,5})?$' },
  default: defaults,
  description,
});

/** Keys of a backend with `type: ollama`, besides `type` and `reserve`. */
export const backendSchema: JsonSchema = {
  type: 'object',
  description: 'An Ollama server, on this machine or another one, that is there already or that llmops serves itself.',
  additionalProperties: false,
  properties: {
    url: { 'x-kind': 'url', default: 'http://127.0.0.1:11434', description: 'Address of the server.' },
    apiKey: {
      'x-kind': 'secret',
      default: null,
      description: 'Key that a proxy in front of the server wants, by reference. Absent: none is sent.',
      examples: [{ env: 'OLLAMA_KEY' }],
    },
    serve: {
      type: 'boolean',
      default: false,
      description:
        'llmops starts the server itself, with what its models need, and ends it with the last of them. `url` is its address on this machine.',
    },
    engine: {
      'x-kind': 'program',
      default: 'ollama',
      description: 'The program that `serve` starts: a name on PATH or a path.',
      examples: ['/opt/ollama/bin/ollama'],
    },
    store: {
      'x-kind': 'program',
      default: null,
      description: "Folder in which the server of `serve` keeps its models: `OLLAMA_MODELS`. Absent: Ollama's own, `~/.ollama/models`.",
      examples: ['/data/ollama'],
    },
    registries: hosts(
      USUAL_REGISTRIES,
      'Hosts that `ollama:` sources may name, besides this machine itself: the server fetches from wherever it is told to.',
    ),
    insecureRegistries: hosts([], 'Registries that speak plain HTTP, besides those of this machine itself.'),
    acknowledgeOpen: {
      type: 'boolean',
      default: false,
      description: 'It is known and wanted that whoever reaches the server can use and change it: no warning is given.',
    },
    server: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description:
        'What the server was started with: models may need it, and no server tells it. llmops compares; with `serve` it starts the server so, and what is absent here is what the models ask for.',
      properties: {
        parallel: {
          type: 'integer',
          minimum: 1,
          maximum: 1024,
          default: null,
          description: "`OLLAMA_NUM_PARALLEL`. Absent: Ollama's default, 1.",
        },
        kvCache: {
          type: 'string',
          pattern: '^\\w+$',
          default: null,
          description: "`OLLAMA_KV_CACHE_TYPE`. Absent: Ollama's default, f16.",
          examples: ['q8_0'],
        },
        cpuMoeLayers: {
          type: 'integer',
          minimum: 0,
          maximum: 100_000,
          default: null,
          description: '`LLAMA_ARG_N_CPU_MOE`. Absent: not set.',
        },
        devices: {
          type: 'array',
          items: { type: 'string', pattern: '^[^\\s,]+$' },
          minItems: 1,
          default: null,
          description: '`CUDA_VISIBLE_DEVICES` or its like. Absent: every device.',
        },
      },
    },
  },
};

const count = (description: string): JsonSchema => ({
  type: 'integer',
  minimum: 1,
  maximum: 1_048_576,
  default: null,
  description: `${description} ${absent}`,
});
const number = (minimum: number, maximum: number, description: string): JsonSchema => ({
  type: 'number',
  minimum,
  maximum,
  default: null,
  description,
});
const integer = (minimum: number, description: string): JsonSchema => ({
  type: 'integer',
  minimum,
  maximum: 2_147_483_647,
  default: null,
  description,
});

/** Ollama's own names, so that a Modelfile's `PARAMETER` lines can be copied. Source: docs.ollama.com/modelfile, `api.Options`. */
const parameters: Readonly<Record<string, JsonSchema>> = {
  temperature: number(0, 100, 'Higher is more surprising.'),
  top_k: integer(0, 'Only so many of the likeliest tokens.'),
  top_p: number(0, 1, 'Only tokens that together have this probability.'),
  min_p: number(0, 1, "Only tokens with this share of the likeliest one's probability."),
  seed: integer(-1, 'The same text for the same prompt; -1: another one each time.'),
  num_predict: integer(-2, 'Most tokens of an answer; -1: no limit.'),
  num_keep: integer(-1, 'Tokens of the prompt that stay when the context is full.'),
  repeat_last_n: integer(-1, 'How far back repetition is looked for; -1: the whole context.'),
  repeat_penalty: number(0, 100, 'Above 1: repetition is less likely.'),
  presence_penalty: number(-100, 100, 'Above 0: new words are likelier.'),
  frequency_penalty: number(-100, 100, 'Above 0: frequent words are less likely.'),
  stop: {
    type: 'array',
    items: { type: 'string', pattern: '[\\s\\S]' },
    minItems: 1,
    default: null,
    description: 'Texts at which an answer ends.',
  },
};

const builtIn = (description: string): JsonSchema => ({
  type: 'string',
  pattern: '^\\S+$',
  default: null,
  description: `${description} Absent: the model's own.`,
});

/** Keys of `options:` of a model on Ollama. */
export const modelSchema: JsonSchema = {
  type: 'object',
  description: 'Settings of a model on Ollama.',
  additionalProperties: false,
  properties: {
    keepAlive: {
      'x-kind': 'duration',
      default: null,
      description: 'How long it stays in memory without a request. Absent: for ever.',
    },
    batch: count('Tokens evaluated at once.'),
    threads: { ...count('CPU threads.'), maximum: 4096 },
    mmap: { type: 'boolean', default: null, description: `Weights are mapped from the file instead of read. ${absent}` },
    mainGpu: {
      type: 'integer',
      minimum: 0,
      maximum: 1024,
      default: null,
      description: `The one GPU to use, by its number. ${absent}`,
    },
    system: {
      type: 'string',
      pattern: '\\S',
      default: null,
      description: "System prompt for requests that bring none. Absent: the model's own.",
    },
    template: {
      type: 'string',
      pattern: '\\S',
      default: null,
      description: "Chat template in Ollama's own language (Go). Absent: the model's own.",
    },
    renderer: builtIn('What writes the prompt in place of a template, of those that are built into Ollama, such as `qwen3-coder`.'),
    parser: builtIn('What reads tool calls and thoughts out of an answer, of those that are built into Ollama.'),
    parameters: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      default: null,
      description: "Defaults for requests that say nothing else, under Ollama's own names. Absent: the model's own.",
      examples: [{ temperature: 0.7, top_k: 40 }],
      properties: parameters,
    },
  },
};
