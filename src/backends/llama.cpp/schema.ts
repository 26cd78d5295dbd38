import type { JsonSchema } from '../../domain/backend.ts';
import { MANAGED_FLAGS } from './flags.ts';

/** In all of this, `x-kind: size` and `duration` are texts with a unit in llmops.yaml and numbers of bytes and milliseconds in `options`. */
const flags: JsonSchema = {
  type: 'array',
  items: { type: 'string', pattern: '\\S' },
  default: [],
  'x-owned-flags': MANAGED_FLAGS,
  description: 'More flags for llama-server, one text for each word. Flags that llmops sets itself are refused.',
  examples: [['--no-warmup']],
};

const count = (maximum: number, description: string): JsonSchema => ({
  type: 'integer',
  minimum: 1,
  maximum,
  default: null,
  description: `${description} Absent: the engine decides.`,
});

/** Keys of a backend with `type: llama.cpp`, besides `type` and `reserve`. */
export const backendSchema: JsonSchema = {
  type: 'object',
  description: 'llama-server, started and watched by llmops: one process for each running model.',
  additionalProperties: false,
  properties: {
    engine: {
      'x-kind': 'program',
      default: 'auto',
      description: '`auto`: llama-server on PATH; or the path of the program.',
      examples: ['/opt/llama/bin/llama-server'],
    },
    devices: {
      description: '`auto`: what the engine lists; or a list that overrides it.',
      default: 'auto',
      anyOf: [
        { type: 'string', enum: ['auto'] },
        {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['name'],
            properties: {
              name: { type: 'string', pattern: '^[^\\s,]+$', description: 'As the engine lists it: `CUDA0`.' },
              memory: { 'x-kind': 'size', default: null, description: 'Usable memory. Absent: what the engine says.' },
              bandwidth: {
                'x-kind': 'size',
                default: null,
                description: 'Memory bandwidth for one second, for estimates of speed. Absent: not known.',
              },
            },
          },
        },
      ],
      'x-inert': 'overrides of devices are not acted on yet: memory is what the engine says',
      'x-inert-unless': ['auto'],
    },
    rpc: {
      type: 'array',
      items: { 'x-kind': 'address' },
      default: [],
      description: "Other machines' rpc-servers to share layers with: host:port.",
    },
    args: flags,
  },
};

/** Keys of `options:` of a model on llama.cpp. */
export const modelSchema: JsonSchema = {
  type: 'object',
  description: 'Settings of a model on llama.cpp.',
  additionalProperties: false,
  properties: {
    flashAttention: {
      type: 'string',
      enum: ['auto', 'on', 'off'],
      default: 'auto',
      description: 'Fused attention: less memory and faster on most GPUs. `auto`: the engine decides.',
    },
    batch: count(1_048_576, 'Tokens that are submitted at once.'),
    ubatch: count(1_048_576, 'Tokens that are computed at once; more is faster for long prompts and takes more memory.'),
    threads: count(4096, 'CPU threads.'),
    loadMode: {
      type: 'string',
      enum: ['auto', 'none', 'mmap', 'mlock', 'dio'],
      default: 'auto',
      description: 'How weights come into memory: mapped, mapped and locked, read, or read past the page cache.',
    },
    chatTemplate: {
      type: 'string',
      pattern: '^[A-Za-z0-9._-]+$',
      default: null,
      description: "Name of a chat template built into the engine. Absent: the model's own.",
      examples: ['chatml'],
    },
    chatTemplateFile: {
      'x-kind': 'path',
      default: null,
      description:
        "File with a Jinja chat template. What it says when it is applied is kept: a copy that is put back has the text that it had. Absent: the model's own.",
    },
    kvUnified: {
      type: 'boolean',
      default: null,
      description: 'One KV buffer for all requests instead of one each. Absent: one each, so that every request has its full context.',
    },
    cacheRam: {
      'x-kind': 'size',
      default: null,
      description: 'RAM for prompts that are kept for later requests; `0B` turns it off. Absent: the engine decides.',
    },
    port: {
      type: 'integer',
      minimum: 1,
      maximum: 65_535,
      default: null,
      description: 'Fixed port on loopback. Then a new copy cannot start beside the old one: every change has a gap. Absent: a free port.',
    },
    overrideTensor: {
      type: 'array',
      items: { type: 'string', pattern: '^[^=\\s]+=[^=\\s]+$' },
      default: [],
      description: 'Where single tensors live: pattern=buffer type.',
      examples: [['.*ffn_.*_exps.*=CPU']],
    },
    tensorSplit: {
      type: 'array',
      items: { type: 'number', minimum: 0 },
      minItems: 1,
      default: null,
      description: 'Share of each GPU, as proportions. Absent: the engine decides.',
      examples: [[3, 1]],
    },
    splitMode: {
      type: 'string',
      enum: ['none', 'layer', 'row', 'tensor'],
      default: null,
      description: 'How the model is split over several GPUs. Absent: the engine decides.',
    },
    mainGpu: {
      type: 'integer',
      minimum: 0,
      maximum: 1024,
      default: null,
      description: 'GPU for what is not split. Absent: the engine decides.',
    },
    metrics: { type: 'boolean', default: true, description: 'Prometheus metrics at /metrics.' },
    apiKey: {
      'x-kind': 'secret',
      default: null,
      description: 'Key that clients must send, by reference. Absent: none.',
      examples: [{ env: 'CHAT_KEY' }],
    },
    args: flags,
  },
};
