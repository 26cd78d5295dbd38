import { backend as embedded } from '../../src/backends/embedded/index.ts';
import { backend as llamaCpp } from '../../src/backends/llama.cpp/index.ts';
import { backend as ollama } from '../../src/backends/ollama/index.ts';
import type { BackendTraits } from '../../src/plan/index.ts';

/** The real prices, settings and checks, so that the book shows what people will see. */
export const traits: Readonly<Record<string, BackendTraits>> = { embedded, 'llama.cpp': llamaCpp, ollama };
