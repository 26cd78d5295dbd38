import type { Backend } from '../../domain/backend.ts';
import { createProcessDriver } from '../kit/driver.ts';
import { portShared } from '../kit/side-by-side.ts';
import { checkModel } from './check.ts';
import { embeddedEngine } from './process.ts';
import { backendSchema, modelSchema } from './schema.ts';
import { fieldsOf, prices } from './settings.ts';

/** llama.cpp in a child process of our own: for machines where nothing is installed. CPU only. */
export const backend: Backend = {
  type: 'embedded',
  schema: { backend: backendSchema, model: modelSchema },
  prices,
  fields: fieldsOf,
  check: (model, artifact, _backend, observed) => checkModel(model, artifact, observed),
  mustSwap: (model, _backend, running) => portShared(model, running),
  connect: (spec, context) => createProcessDriver(() => embeddedEngine, spec, context),
};
