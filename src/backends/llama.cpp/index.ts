import type { Backend } from '../../domain/backend.ts';
import { createProcessDriver } from '../kit/driver.ts';
import { portShared } from '../kit/side-by-side.ts';
import { checkModel } from './check.ts';
import { fieldsOf, prices } from './fields.ts';
import { llamaServer } from './process.ts';
import { backendSchema, modelSchema } from './schema.ts';

/** llama-server, started and supervised by llmops: one process for each running instance. */
export const backend: Backend = {
  type: 'llama.cpp',
  schema: { backend: backendSchema, model: modelSchema },
  prices,
  fields: fieldsOf,
  check: checkModel,
  attachments: ({ options }) =>
    typeof options['chatTemplateFile'] === 'string' ? { 'options.chatTemplateFile': options['chatTemplateFile'] } : {},
  mustSwap: (model, { name, options: { rpc } }, running) =>
    Array.isArray(rpc) && rpc.length > 0
      ? { because: 'an rpc-server serves one copy at a time, and the next one would wait for it', setting: `backends.${name}.rpc` }
      : portShared(model, running),
  connect: (spec, context) => createProcessDriver(llamaServer, spec, context),
};
