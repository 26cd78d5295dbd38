import type { JsonSchema } from '../../domain/backend.ts';
import { modelsSchema } from './model.ts';
import { MODEL_NAME, NAME } from './names.ts';
import { daemonSchema, gatewaySchema, policySchema, promptsSchema, retentionSchema, slosSchema } from './operations.ts';

const reserve: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'Memory of this machine that stays free.',
  properties: {
    vram: { 'x-kind': 'size', default: '0B', description: 'On each GPU.' },
    ram: { 'x-kind': 'size', default: '0B', description: 'Main memory.' },
  },
};

/** Each kind of backend: the settings of the backend, and of a model on it. */
export type BackendFragments = Readonly<Record<string, { readonly backend: JsonSchema; readonly model: JsonSchema }>>;

function backendBranch(type: string, fragment: JsonSchema): JsonSchema {
  const own = fragment['properties'] as JsonSchema;
  const required = ['type', ...((fragment['required'] as string[] | undefined) ?? [])];
  const typeKey = { const: type, description: 'The kind of engine.', 'x-types': 'backend' };
  return { ...fragment, title: type, required, properties: { type: typeKey, ...own, reserve } };
}

function backends(fragments: BackendFragments): JsonSchema {
  return {
    type: 'object',
    default: {},
    description: 'The engines that run models, by name.',
    propertyNames: { pattern: MODEL_NAME },
    additionalProperties: {
      type: 'object',
      discriminator: { propertyName: 'type' },
      oneOf: Object.entries(fragments).map(([type, { backend }]) => backendBranch(type, backend)),
    },
  };
}

/** The whole of llmops.yaml without `x-kind` spelled out; `environments` holds any object here (overlays are checked on top of the base). */
export function fileSchema(fragments: BackendFragments): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['version'],
    properties: {
      version: { const: 1, description: 'Version of this format.' },
      name: {
        type: 'string',
        pattern: NAME,
        default: null,
        description: "Name of the stack; it names state, processes and metrics. Absent: the folder's name.",
        examples: ['home-lab'],
      },
      allowOutside: { type: 'boolean', default: false, description: "Paths may leave this file's folder." },
      backends: backends(fragments),
      models: modelsSchema,
      prompts: promptsSchema,
      slos: slosSchema,
      gateway: gatewaySchema,
      daemon: daemonSchema,
      policy: policySchema,
      retention: retentionSchema,
      environments: {
        type: 'object',
        default: {},
        description:
          'Small overlays on the rest of this file, chosen with `--env`. Maps are merged, other values replaced; `null` takes an entry away.',
        propertyNames: { pattern: MODEL_NAME },
        additionalProperties: { type: 'object' },
        examples: [{ prod: { models: { chat: { context: 32768 } } } }],
      },
    },
  };
}
