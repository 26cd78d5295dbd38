import type { Backend } from '../../domain/backend.ts';
import { createProcessDriver } from '../kit/driver.ts';
import { portShared } from '../kit/side-by-side.ts';
import { checkModel } from './check.ts';
import { embeddedEngine } from './process.ts';
import { backendSchema, modelSchema } from './schema.ts';
import { fieldsOf, prices } from './settings.ts';

/** Node with node-llama-cpp 3.21 loaded: 134 to 142 MiB resident beside models of 0.7 to 7 MB. There is no GPU to take from. */
const FOOTPRINT = { ramBytes: 138 * 2 ** 20, vramBytes: 0 };

/** llama.cpp in a child process of our own: for machines where nothing is installed. CPU only. */
export const backend: Backend = {
  type: 'embedded',
  schema: { backend: backendSchema, model: modelSchema },
  prices,
  fields: fieldsOf,
  footprint: FOOTPRINT,
  check: (model, artifact, _backend, observed) => checkModel(model, artifact, observed),
  mustSwap: (model, _backend, running) => portShared(model, running),
  connect: (spec, context) => createProcessDriver(() => embeddedEngine, spec, context),
};
