import type { JsonSchema } from '../../domain/backend.ts';

const threads: JsonSchema = {
  type: 'integer',
  minimum: 1,
  maximum: 4096,
  default: null,
  description: 'CPU threads. Absent: the engine decides.',
};

/** Keys of a backend with `type: embedded`, besides `type` and `reserve`. */
export const backendSchema: JsonSchema = {
  type: 'object',
  description: 'llama.cpp inside a child process of our own: nothing to install.',
  additionalProperties: false,
  properties: { threads },
};

/** Keys of `options:` of a model on the embedded engine. */
export const modelSchema: JsonSchema = {
  type: 'object',
  description: 'Settings of a model on the embedded engine.',
  additionalProperties: false,
  properties: {
    flashAttention: { type: 'boolean', default: null, description: 'Fused attention. Absent: the engine decides.' },
    batch: {
      type: 'integer',
      minimum: 1,
      maximum: 1_048_576,
      default: null,
      description: 'Tokens evaluated at once. Absent: the engine decides.',
    },
    threads,
    port: {
      type: 'integer',
      minimum: 1,
      maximum: 65_535,
      default: null,
      description: 'Fixed port on loopback. Then a new copy cannot start beside the old one: every change has a gap. Absent: a free port.',
    },
  },
};
