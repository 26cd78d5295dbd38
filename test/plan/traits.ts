import { backend as embedded } from '../../src/backends/embedded/index.ts';
import { fieldsOf, prices } from '../../src/backends/llama.cpp/fields.ts';
import type { BackendTraits } from '../../src/plan/index.ts';

/** The real prices and settings, so that the book shows what people will see. */
export const traits: Readonly<Record<string, BackendTraits>> = {
  embedded,
  'llama.cpp': {
    type: 'llama.cpp',
    prices,
    fields: fieldsOf,
    check: () => [],
    canSurge: (model) => typeof model.options['port'] !== 'number',
  },
};
