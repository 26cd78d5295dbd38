import { expect } from 'vitest';
import type { Artifact, JsonObject, ModelSpec } from '../../src/domain/desired.ts';
import { PORTABLE_FIELDS, type PortableField, type WishedFields } from '../../src/domain/fields.ts';
import type { Case } from './cases.ts';
import { optionVariants } from './variants.ts';
import type { World } from './world.ts';

/** What can be wished for arrives in the fields, so that a change of it is seen, priced and done. */
export const fieldCases: readonly Case[] = [
  [
    'every setting that it can ask for has a price',
    (world) => {
      const { backend } = world.conformance;
      const fields = optionVariants(backend.schema.model).flatMap(({ options }) => Object.keys(world.spec({ options }).fields));
      expect([...new Set(fields)].filter((field) => backend.prices[field] === undefined)).toEqual([]);
    },
  ],
  [
    'every value of every option of its schema leads to a process of its own',
    (world) => {
      const variants = optionVariants(world.conformance.backend.schema.model);
      const keys = [...new Set(variants.map(({ key }) => key))];
      const unset = world.spec({ options: {} });
      const same = keys.filter((key) => {
        const ids = variants.filter((variant) => variant.key === key).map(({ options }) => world.spec({ options }).id);
        return ids.length === 0 || new Set([unset.id, ...ids]).size !== ids.length + 1;
      });
      expect(same).toEqual([]);
    },
  ],
  [
    'every portable setting arrives in its own field and in no other',
    (world) => {
      const wishes = PORTABLE_FIELDS.flatMap((field) => variantsOf(field, world).map((change) => ({ field, change })));
      const plain = fieldsWith({}, world);
      const arrived = wishes.map(({ change }) => {
        const fields: WishedFields = fieldsWith(change, world);
        return Object.keys(fields).filter((field) => fields[field] !== plain[field]);
      });
      expect(arrived).toEqual(wishes.map(({ field }) => [field]));
      const values = wishes.map(({ field, change }) => `${field}: ${fieldsWith(change, world)[field]}`);
      expect(new Set(values).size).toBe(values.length);
    },
  ],
];

interface Change {
  readonly model?: Partial<ModelSpec>;
  readonly artifact?: Partial<Artifact>;
}

const NO_OFFLOAD: ModelSpec['offload'] = { gpuLayers: null, cpuMoeLayers: null, devices: null };

function fieldsWith({ model, artifact }: Change, world: World): WishedFields {
  const plain: Artifact = { source: 'file:chat.gguf', path: '/chat.gguf', bytes: 1, sha256: 'aa', gguf: null };
  const wish = world.model({ context: null, parallel: 1, kvCache: null, offload: NO_OFFLOAD, options: {}, ...model });
  return world.conformance.backend.fields(wish, { ...plain, ...artifact }, world.backendSpec());
}

/** Two values of each portable field besides the plain one; none of a chat template where the schema has no word for it. */
function variantsOf(field: PortableField, world: World): readonly Change[] {
  const offload = (change: Partial<ModelSpec['offload']>): Change => ({ model: { offload: { ...NO_OFFLOAD, ...change } } });
  const options = (change: JsonObject): Change => ({ model: { options: change } });
  const properties = (world.conformance.backend.schema.model['properties'] ?? {}) as JsonObject;
  const all: Readonly<Record<PortableField, readonly Change[]>> = {
    source: [{ artifact: { source: 'file:a.gguf' } }, { artifact: { source: 'file:b.gguf' } }],
    digest: [{ artifact: { sha256: 'bb' } }, { artifact: { sha256: 'cc' } }],
    context: [{ model: { context: 256 } }, { model: { context: 512 } }],
    parallel: [{ model: { parallel: 2 } }, { model: { parallel: 3 } }],
    kvCache: [{ model: { kvCache: 'f16' } }, { model: { kvCache: 'q8_0' } }],
    'offload.gpuLayers': [offload({ gpuLayers: 0 }), offload({ gpuLayers: 'all' })],
    'offload.cpuMoeLayers': [offload({ cpuMoeLayers: 0 }), offload({ cpuMoeLayers: 3 })],
    'offload.devices': [offload({ devices: ['CUDA0'] }), offload({ devices: ['CUDA0', 'CUDA1'] })],
    chatTemplate: 'chatTemplate' in properties ? [options({ chatTemplate: 'chatml' }), options({ chatTemplate: 'gemma' })] : [],
  };
  return all[field];
}
