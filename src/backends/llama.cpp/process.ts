import { realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { DriverContext } from '../../domain/backend.ts';
import type { BackendSpec } from '../../domain/desired.ts';
import { ProblemError } from '../../domain/problem.ts';
import type { Requests } from '../kit/admitted.ts';
import type { LoadedQuery, ProcessEngine } from '../kit/engine.ts';
import { call, callJson, garbled, parseJson } from '../kit/http.ts';
import { logHead } from '../kit/logs.ts';
import { isReference } from '../../secrets/reference.ts';
import { tasksIn } from '../kit/slots.ts';
import { commandFor, KEY } from './command.ts';
import { claimed, isServer } from './claim.ts';
import { configuredOf } from './configured.ts';
import { detectEngine } from './detect.ts';
import { explainEnd } from './explain.ts';
import { ALIAS, HOST, MODEL, parseArgs, PORT } from './flags.ts';
import { compare, countActive, deferredIn, isProps, isSleeping, isSlots, loadedFields, strangerServed } from './loaded.ts';

const ASK_MS = 2000;

/** llama-server as the kit's process driver needs it. */
export function llamaServer(spec: BackendSpec, context: DriverContext): ProcessEngine {
  return {
    type: 'llama.cpp',
    detect: (signal) => detectEngine(spec, context, signal),
    command: (instance, port, engine, fileAt) => commandFor(instance, port, engine, spec, fileAt),
    configured: configuredOf,
    loaded,
    requests,
    explain: explainEnd,
    secrets: ({ apiKey }) => (isReference(apiKey) ? [{ field: 'options.apiKey', what: 'API key', reference: apiKey, variable: KEY }] : []),
    headers: ({ env }) => (env[KEY] === undefined ? {} : { authorization: `Bearer ${env[KEY]}` }),
    // Each flag can come from a variable as well: a plan that does not see it would be wrong.
    hiddenEnv: /^LLAMA_(ARG_|API_KEY$|LOG_)/,
    recognize: ({ args }) => recognize(args),
    claim: claimed,
    servedFile,
    compare,
    fixedPort: ({ options }) => (typeof options['port'] === 'number' ? options['port'] : null),
  };
}

/** Asks `/props`, and `/slots` unless the engine sleeps: that would wake it (seen with 0.5.0). */
async function loaded({ endpoint, headers, logFile, configured, args, brief }: LoadedQuery, signal: AbortSignal) {
  const url = `${endpoint}/props`;
  const props = await callJson(url, { headers, signal, deadlineMs: ASK_MS });
  if (!isProps(props)) throw garbled(url, 'did not answer with the settings in force');
  const stranger = strangerServed(props, parseArgs(args), resolvedPath);
  if (stranger) throw new ProblemError(stranger);
  const fields = loadedFields(props, logHead(logFile), configured);
  if (brief) return { fields, activeRequests: null };
  return { fields, activeRequests: isSleeping(props) ? 0 : countActive(await askSlots(`${endpoint}/slots`, headers, signal)) };
}

/** A request that found no free slot is in no slot: how many there are of those, only the metrics tell, where it was told to keep any. */
async function requests({ endpoint, headers, configured }: LoadedQuery, signal: AbortSignal): Promise<Requests | null> {
  if (isSleeping(await callJson(`${endpoint}/props`, { headers, signal, deadlineMs: ASK_MS }))) return { working: [], waiting: 0 };
  const working = tasksIn(await askSlots(`${endpoint}/slots`, headers, signal));
  if (working === null || configured['options.metrics'] !== true) return working && { working, waiting: 0 };
  const { status, text } = await call(`${endpoint}/metrics`, { headers, signal, deadlineMs: ASK_MS });
  return { working, waiting: status === 200 ? deferredIn(text) : 0 };
}

/** null: this server tells nobody (`--no-slots`). */
async function askSlots(url: string, headers: LoadedQuery['headers'], signal: AbortSignal): Promise<unknown> {
  const answer = await call(url, { headers, signal, deadlineMs: ASK_MS });
  if (answer.status !== 200) return null;
  const slots = parseJson(url, answer.text);
  if (!isSlots(slots)) throw garbled(url, 'did not answer with a list of slots');
  return slots;
}

/** What `-hf` or `-mu` brought. */
async function servedFile(endpoint: string, headers: LoadedQuery['headers'], signal: AbortSignal): Promise<string | null> {
  const props = (await callJson(`${endpoint}/props`, { headers, signal, deadlineMs: ASK_MS })) as { readonly model_path?: unknown } | null;
  return typeof props?.model_path === 'string' && props.model_path !== '' ? props.model_path : null;
}

/** One file has many paths; one that is gone has the path that it had. */
function resolvedPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** A llama-server that somebody else started: also Ollama's own. */
function recognize(args: readonly string[]): { readonly model: string | null; readonly endpoint: string | null } | null {
  if (!isServer(args)) return null;
  const parsed = parseArgs(args);
  const [port, host] = [parsed.value(PORT), parsed.value(HOST) ?? '127.0.0.1'];
  const model = parsed.value(MODEL);
  return {
    model: parsed.value(ALIAS) ?? (model && basename(model)),
    endpoint: port === null ? null : `http://${hostInUrl(host)}:${port}`,
  };
}

/** Whoever listens on every address is reached here. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
