import type { Backend } from '../../domain/backend.ts';
import { createProcessDriver } from '../kit/driver.ts';
import { checkModel } from './check.ts';
import { fieldsOf, prices } from './fields.ts';
import { compare } from './loaded.ts';
import { llamaServer } from './process.ts';
import { backendSchema, modelSchema } from './schema.ts';

/** llama-server, started and supervised by llmops: one process for each running instance. */
export const backend: Backend = {
  type: 'llama.cpp',
  schema: { backend: backendSchema, model: modelSchema },
  prices,
  fields: fieldsOf,
  compare,
  check: checkModel,
  attachments: ({ options }) =>
    typeof options['chatTemplateFile'] === 'string' ? { 'options.chatTemplateFile': options['chatTemplateFile'] } : {},
  // Two copies cannot listen on one port, and an rpc-server has one client at a time: the next one waits for it for ever.
  canSurge: ({ options: { port } }, { options }, running) =>
    (typeof port !== 'number' || (running !== null && running['options.port'] !== port)) &&
    !(options['rpc'] as readonly string[] | undefined)?.length,
  connect: (spec, context) => createProcessDriver(llamaServer, spec, context),
};
