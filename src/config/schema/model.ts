import type { JsonSchema } from '../../domain/backend.ts';
import { DRIFT_POLICIES, KV_TYPES, STRATEGIES } from '../vocabulary.ts';
import { MODEL_NAME } from './names.ts';

const MAX_TOKENS = 2_147_483_647; // llama.cpp and vLLM keep token counts in 32 bits, signed

const drift: JsonSchema = {
  description:
    'What happens when somebody changed a running model outside llmops: put it back, say it, or leave it. One policy, or one per field.',
  default: 'correct',
  anyOf: [
    { type: 'string', enum: DRIFT_POLICIES },
    {
      type: 'object',
      additionalProperties: false,
      properties: {
        default: {
          type: 'string',
          enum: DRIFT_POLICIES,
          default: 'correct',
          description: 'Policy for every field that is not named below.',
        },
        fields: {
          type: 'object',
          additionalProperties: { type: 'string', enum: DRIFT_POLICIES },
          default: {},
          description: 'Policy by field, named as in a plan: `context`, `offload.gpuLayers`, `options.threads`.',
        },
      },
    },
  ],
};

const offload: JsonSchema = {
  'x-number-key': 'gpuLayers',
  description: 'What is computed on GPUs. `auto`: the engine decides; `all` and `none`: every layer, no layer; or in detail.',
  default: 'auto',
  anyOf: [
    { type: 'string', enum: ['auto', 'all', 'none'] },
    {
      type: 'object',
      additionalProperties: false,
      properties: {
        gpuLayers: {
          anyOf: [
            { type: 'integer', minimum: 0, maximum: 100_000 },
            { type: 'string', enum: ['all'] },
          ],
          default: null,
          description: 'Layers on GPUs, counted from the output, or `all`. Absent: the engine decides.',
        },
        cpuMoeLayers: {
          type: 'integer',
          minimum: 0,
          maximum: 100_000,
          default: null,
          description: 'First layers whose experts stay in RAM (mixture-of-experts models).',
        },
        devices: {
          type: 'array',
          items: { type: 'string', pattern: '^[^\\s,]+$' },
          minItems: 1,
          default: null,
          description: 'Devices to use, named as the engine lists them. Absent: the engine decides.',
        },
      },
    },
  ],
};

const quantization: JsonSchema = {
  description:
    'Which quantization of the weights is wanted, named as files are (Q4_K_M, IQ4_XS, and mixes of publishers: UD-Q4_K_XL, Q6_K_L): any, one, a list (best first), or a preference with a floor.',
  default: 'auto',
  anyOf: [
    { 'x-kind': 'quantization', 'x-also': ['auto'] },
    { type: 'array', items: { 'x-kind': 'quantization' }, minItems: 1 },
    {
      type: 'object',
      additionalProperties: false,
      properties: {
        prefer: { type: 'array', items: { 'x-kind': 'quantization' }, default: [], description: 'Tried in this order.' },
        atLeast: {
          'x-kind': 'quantization',
          default: null,
          description: 'Nothing coarser than this is acceptable. A mix counts as finer than what it was made from.',
        },
      },
    },
  ],
};

const rollout: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'How a running model is changed.',
  properties: {
    strategy: {
      type: 'string',
      enum: STRATEGIES,
      default: 'auto',
      description:
        '`surge`: new before old, no gap, needs memory for both. `swap`: old before new. `auto`: surge where memory allows. `canary`: a share of requests first.',
      'x-inert-values': { canary: 'canary rollouts are not acted on yet: `auto` is used' },
    },
    hold: {
      'x-kind': 'duration',
      default: '120s',
      description: 'How long the gateway holds a request while a model is swapped.',
      'x-inert': 'requests are not held yet: there is no gateway',
    },
    drain: {
      'x-kind': 'duration',
      default: '60s',
      description: 'How long requests that were admitted may take to finish before the old copy is stopped.',
    },
    bake: {
      'x-kind': 'duration',
      default: '10m',
      description:
        'How long `llmops up` watches a change before it counts as good. A copy that ends by itself within that time takes its release back. `0s`: not at all.',
    },
  },
};

/** One entry of `models:`. */
export const modelSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['backend', 'source'],
  properties: {
    backend: { type: 'string', description: 'The backend that runs it: a name under `backends`.', examples: ['local'] },
    source: {
      'x-kind': 'source',
      description:
        'Where the weights come from: `file:path` (relative to this file), `hf:owner/repo[@revision][/file]`, `ollama:name:tag` or `https://...`. All but files of this machine are pinned in llmops.lock.',
      examples: ['file:models/chat-Q4_K_M.gguf', 'hf:Qwen/Qwen3-8B-GGUF'],
    },
    revision: {
      type: 'string',
      pattern: '^\\S+$',
      default: null,
      description:
        'Branch, tag or commit to follow in a repository of weights (`hf:` only; `hf:owner/repo@revision` says the same). What runs is pinned in llmops.lock. Absent: its main branch.',
    },
    sha256: {
      'x-kind': 'sha256',
      default: null,
      description: 'SHA-256 that the weights must have, as 64 hex digits. Absent: it is computed and recorded.',
    },
    quantization,
    context: {
      type: 'integer',
      minimum: 1,
      maximum: MAX_TOKENS,
      default: null,
      description: 'Tokens for one request, prompt and answer together. Never shrunk silently. Absent: the engine decides.',
      examples: [16384],
    },
    parallel: {
      type: 'integer',
      minimum: 1,
      maximum: 4096,
      default: 1,
      description: 'Requests served at once, each with its own context.',
      examples: [4],
    },
    kvCache: {
      type: 'string',
      enum: ['auto', ...KV_TYPES],
      default: 'auto',
      description: "Element type of the KV cache; `q8_0` halves its memory. `auto`: the engine's own default.",
    },
    offload,
    load: {
      type: 'string',
      enum: ['always', 'on-demand'],
      default: 'always',
      description:
        '`always`: runs all the time. `on-demand`: loaded by the first request, unloaded after `idle` (on Ollama: `options.keepAlive`).',
      'x-inert-values': { 'on-demand': 'loading on demand is not acted on yet: the model runs all the time' },
      'x-acted-on-by': ['ollama'],
    },
    idle: {
      'x-kind': 'duration',
      default: '10m',
      description: 'With `load: on-demand`: unloaded after this time without a request.',
      'x-inert': 'unloading idle models is not acted on yet',
    },
    drift,
    rollout,
    protect: { type: 'boolean', default: false, description: 'A plan that would delete this model is refused.' },
    fallback: {
      type: 'array',
      items: { type: 'string', pattern: '^\\S+$' },
      default: [],
      description: 'Where requests go when this model cannot serve: models of this file, or `backend/model`.',
      examples: [['cloud/small']],
      'x-inert': 'fallbacks are not acted on yet',
    },
    localOnly: {
      type: 'boolean',
      default: false,
      description: 'Requests for this model never leave this machine; `fallback` is then refused.',
      'x-inert': 'nothing leaves this machine yet, so there is nothing to forbid',
    },
    options: { type: 'object', default: {}, description: "This backend's own settings; the keys depend on the backend's type." },
  },
};

/** The map under `models:`. */
export const modelsSchema: JsonSchema = {
  type: 'object',
  default: {},
  description: 'The models, by the name that clients send as "model".',
  propertyNames: { pattern: MODEL_NAME },
  additionalProperties: modelSchema,
};
