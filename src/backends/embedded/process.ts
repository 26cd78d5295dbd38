import { fileURLToPath } from 'node:url';
import type { InstanceSpec } from '../../domain/desired.ts';
import type { Fields } from '../../domain/fields.ts';
import type { ProcessEngine } from '../kit/engine.ts';
import { callJson } from '../kit/http.ts';
import { tasksIn } from '../kit/slots.ts';
import { detectLibrary, ownSearch } from './detect.ts';
import { explainEnd } from './explain.ts';
import { loadedFrom, tell, toldBy, valueOf } from './settings.ts';

/** The server program: a TypeScript file in the repository, a JavaScript file in the published package. */
const PROGRAM = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './server/main.ts' : './server/main.js', import.meta.url));

/** The server of any installation. */
const PROGRAM_OF_ANY = /[\\/]backends[\\/]embedded[\\/]server[\\/]main\.[jt]s$/;

/** Both answers come from memory, also while the engine works. */
const DEADLINE_MS = 5_000;

/** The embedded engine as the kit's process driver needs it: this Node runs the server, the rest is arguments. */
export const embeddedEngine: ProcessEngine = {
  type: 'embedded',
  detect: () => detectLibrary(ownSearch()),
  command(spec: InstanceSpec, port: number) {
    return { file: process.execPath, args: ['--disable-warning=ExperimentalWarning', PROGRAM, ...tell(spec, port)], env: {} };
  },
  configured: ({ args }): Fields => toldBy(args),
  async loaded({ endpoint }, signal) {
    const [props, slots] = await Promise.all([
      callJson(`${endpoint}/props`, { signal, deadlineMs: DEADLINE_MS }),
      callJson(`${endpoint}/slots`, { signal, deadlineMs: DEADLINE_MS }),
    ]);
    return { fields: loadedFrom(props, endpoint), activeRequests: tasksIn(slots)?.length ?? null };
  },
  async requests({ endpoint }, signal) {
    const working = tasksIn(await callJson(`${endpoint}/slots`, { signal, deadlineMs: DEADLINE_MS }));
    return working && { working, waiting: 0 };
  },
  explain: explainEnd,
  hiddenEnv: /^(NODE_OPTIONS|NODE_LLAMA_CPP_.*|LLAMA_.*|GGML_.*)$/,
  fixedPort: ({ fields }) => (typeof fields['options.port'] === 'number' ? fields['options.port'] : null),
  recognize({ args }) {
    if (!args.some((arg) => PROGRAM_OF_ANY.test(arg))) return null;
    const port = valueOf(args, '--port');
    return { model: valueOf(args, '--alias'), endpoint: port === null ? null : `http://127.0.0.1:${port}` };
  },
};
