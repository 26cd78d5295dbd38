import { backend as llamaCpp } from '../../src/backends/llama.cpp/index.ts';
import type { Backend } from '../../src/domain/backend.ts';
import { connectWorld } from './driver.ts';

/** The real `llama.cpp` for the pure stages; its instances live in a world: backend NAME talks to $LLMOPS_WORLD/NAME. */
export const standIn: Backend = {
  ...llamaCpp,
  check: () => [],
  connect: (spec, context) =>
    connectWorld({ ...spec, options: { url: `${context.env['LLMOPS_WORLD']}/${spec.name}`, memory: null } }, context),
};
