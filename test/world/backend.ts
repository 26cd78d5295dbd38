import type { Backend } from '../../src/domain/backend.ts';
import type { Artifact, ModelSpec } from '../../src/domain/desired.ts';
import { portableFields } from '../../src/domain/fields.ts';
import type { PortableField, Price, Scalar, WishedFields } from '../../src/domain/fields.ts';
import { connectWorld } from './driver.ts';

/** Keys of `options:` of a model, each a field of its own. */
const OPTIONS = { tag: 'restart', fail: 'restart', pace: 'drain', note: 'live' } as const satisfies Record<string, Price>;

const portable: Readonly<Record<PortableField, Price>> = {
  source: 'live',
  digest: 'replace',
  context: 'restart',
  parallel: 'restart',
  kvCache: 'restart',
  'offload.gpuLayers': 'restart',
  'offload.cpuMoeLayers': 'restart',
  'offload.devices': 'restart',
  chatTemplate: 'restart',
};

const text = (description: string) => ({ type: 'string', default: null, description });

/** A backend whose engine is a {@link startWorld} server; README.md says how it behaves. */
export const worldBackend: Backend = {
  type: 'world',
  schema: {
    backend: {
      type: 'object',
      description: 'A world that lives in a test.',
      additionalProperties: false,
      required: ['url'],
      properties: {
        url: text('Address of the server and a realm in it: http://127.0.0.1:4711/b1'),
        memory: { type: 'integer', default: null, description: 'Bytes of memory that its instances share. Absent: not known.' },
      },
    },
    model: {
      type: 'object',
      description: 'Settings of a model in a world.',
      additionalProperties: false,
      properties: {
        tag: text('Anything: changing it needs a restart.'),
        note: text('Anything: changing it needs nothing.'),
        pace: text('Anything: changing it needs a drain.'),
        fail: text('`start` or `probe`: where it fails.'),
      },
    },
  },
  prices: { ...portable, ...Object.fromEntries(Object.entries(OPTIONS).map(([key, price]) => [`options.${key}`, price])) },
  fields,
  check: () => [],
  mustSwap: () => null,
  connect: connectWorld,
};

function fields(model: ModelSpec, artifact: Artifact): WishedFields {
  const options = Object.keys(OPTIONS).map((key): [string, Scalar] => [`options.${key}`, (model.options[key] ?? null) as Scalar]);
  return {
    ...portableFields(model, artifact),
    chatTemplate: null,
    ...Object.fromEntries(options),
  };
}
