import type { Backend } from '../../domain/backend.ts';
import { createProcessDriver } from '../kit/driver.ts';
import { portShared } from '../kit/side-by-side.ts';
import { checkModel } from './check.ts';
import { fieldsOf, prices } from './fields.ts';
import { compare } from './loaded.ts';
import { llamaServer } from './process.ts';
import { backendSchema, modelSchema } from './schema.ts';

/**
 * RAM: what stays resident of llama-server 0.7.0 (CPU build) beside a model of 0.7 to 7 MB, 19 to 24 MiB. VRAM: CUDA's context,
 * kernels and pools, which no buffer in the log counts: 300 to 600 MiB for each process.
 */
const FOOTPRINT = { ramBytes: 20 * 2 ** 20, vramBytes: 450 * 2 ** 20 };

/** llama-server, started and supervised by llmops: one process for each running instance. */
export const backend: Backend = {
  type: 'llama.cpp',
  schema: { backend: backendSchema, model: modelSchema },
  prices,
  fields: fieldsOf,
  compare,
  footprint: FOOTPRINT,
  check: checkModel,
  attachments: ({ options }) =>
    typeof options['chatTemplateFile'] === 'string' ? { 'options.chatTemplateFile': options['chatTemplateFile'] } : {},
  mustSwap: (model, { options: { rpc } }, running) =>
    Array.isArray(rpc) && rpc.length > 0
      ? { because: 'an rpc-server serves one copy at a time, and the next one would wait for it', setting: { of: 'backend', key: 'rpc' } }
      : portShared(model, running),
  connect: (spec, context) => createProcessDriver(llamaServer, spec, context),
};
