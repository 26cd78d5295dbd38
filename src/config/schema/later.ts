import type { JsonSchema } from '../../domain/backend.ts';

const attach: JsonSchema = {
  'x-kind': 'url',
  default: null,
  description: 'Address of a server that somebody else runs; llmops then starts none.',
};
const apiKey: JsonSchema = {
  'x-kind': 'secret',
  default: null,
  description: 'Key to send, by reference. Absent: none is sent.',
  examples: [{ env: 'CLOUD_KEY' }],
};
const args: JsonSchema = {
  type: 'array',
  items: { type: 'string' },
  default: [],
  description: 'More command-line arguments for the engine.',
};

const fragment = (description: string, properties: JsonSchema, required: readonly string[] = []): JsonSchema => ({
  type: 'object',
  description,
  additionalProperties: false,
  ...(required.length > 0 && { required }),
  properties,
});

const declared = (type: string, description: string, properties: JsonSchema, required?: readonly string[]): JsonSchema => ({
  ...fragment(description, properties, required),
  'x-inert': `backends of type ${type} are not acted on yet`,
});

/** Types of backend that can be declared and that this version does not act on: settings of the backend, and of a model on it. */
export const laterBackends: Readonly<Record<string, { readonly backend: JsonSchema; readonly model: JsonSchema }>> = {
  vllm: {
    backend: declared('vllm', 'vLLM, started by llmops (`command`) or by somebody else (`url`).', {
      command: { 'x-kind': 'program', default: 'vllm', description: 'The program to start: a name on PATH or a path.' },
      url: attach,
      apiKey,
    }),
    model: fragment('Settings of a model on vLLM.', {
      gpuMemoryUtilization: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: 1,
        default: null,
        description: "Share of each GPU's memory to use. Absent: the engine decides.",
      },
      tensorParallel: { type: 'integer', minimum: 1, maximum: 1024, default: 1, description: 'GPUs that share each layer.' },
      dtype: {
        type: 'string',
        enum: ['auto', 'half', 'float16', 'bfloat16', 'float32'],
        default: 'auto',
        description: 'Element type of weights and activations.',
      },
      quantization: {
        type: 'string',
        pattern: '^\\S+$',
        default: null,
        description: 'Method, for checkpoints that do not name their own.',
      },
      args,
    }),
  },
  kubernetes: {
    backend: declared('kubernetes', 'A Kubernetes cluster that runs the engines.', {
      context: { type: 'string', pattern: '^\\S+$', default: null, description: 'Context of the kubeconfig. Absent: the current one.' },
      namespace: {
        type: 'string',
        pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$',
        default: 'default',
        description: 'Namespace for everything that llmops makes.',
      },
      kubeconfig: { 'x-kind': 'program', default: null, description: 'Path of the kubeconfig. Absent: as kubectl finds it.' },
    }),
    model: fragment('Settings of a model on Kubernetes.', {
      image: {
        type: 'string',
        pattern: '^\\S+$',
        default: null,
        description: "Container image of the engine. Absent: the engine's official one.",
      },
      replicas: { type: 'integer', minimum: 0, maximum: 10_000, default: 1, description: 'Copies to run.' },
      args,
    }),
  },
  openai: {
    backend: declared(
      'openai',
      'An OpenAI-compatible endpoint that is routed to and never changed.',
      {
        url: { 'x-kind': 'url', description: 'Base URL, with its `/v1`.', examples: ['https://api.example.com/v1'] },
        apiKey,
      },
      ['url'],
    ),
    model: fragment('Settings of a model behind an endpoint.', {
      model: { type: 'string', pattern: '^\\S+$', default: null, description: 'Its name there. Absent: the name it has here.' },
    }),
  },
};
