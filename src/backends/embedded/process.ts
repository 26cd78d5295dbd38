import { fileURLToPath } from 'node:url';
import type { InstanceSpec } from '../../domain/desired.ts';
import type { Fields } from '../../domain/fields.ts';
import type { ProcessEngine } from '../kit/engine.ts';
import { callJson } from '../kit/http.ts';
import { detectLibrary, ownSearch } from './detect.ts';
import { explainEnd } from './explain.ts';
import { loadedFrom, tell, toldBy } from './settings.ts';

/** The server program: a TypeScript file in the repository, a JavaScript file in the published package. */
const PROGRAM = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './server/main.ts' : './server/main.js', import.meta.url));

/** Both answers come from memory, also while the engine works. */
const DEADLINE_MS = 5_000;

/** The embedded engine as the kit's process driver needs it: this Node runs the server, the rest is arguments. */
export const embeddedEngine: ProcessEngine = {
  type: 'embedded',
  detect: () => detectLibrary(ownSearch()),
  command(spec: InstanceSpec, port: number) {
    const { args, env } = tell(spec, port);
    return { file: process.execPath, args: ['--disable-warning=ExperimentalWarning', PROGRAM, ...args], env };
  },
  configured: ({ args, env }): Fields => toldBy(args, env),
  async loaded({ endpoint }, signal) {
    const [props, slots] = await Promise.all([
      callJson(`${endpoint}/props`, { signal, deadlineMs: DEADLINE_MS }),
      callJson(`${endpoint}/slots`, { signal, deadlineMs: DEADLINE_MS }),
    ]);
    return { fields: loadedFrom(props), activeRequests: Array.isArray(slots) ? slots.filter(isProcessing).length : null };
  },
  explain: explainEnd,
};

function isProcessing(slot: unknown): boolean {
  return typeof slot === 'object' && slot !== null && (slot as { readonly is_processing?: unknown }).is_processing === true;
}
