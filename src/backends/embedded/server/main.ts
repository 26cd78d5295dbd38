import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readSettings } from './args.ts';
import type { ServerSettings } from './args.ts';
import { loadEngine } from './engine.ts';
import type { EmbeddedEngine } from './engine.ts';
import { createFront } from './server.ts';
import type { Front, ServerState } from './server.ts';

/** One line on standard output; whoever started us keeps it. Prompts and answers never go there. `error: ` is for the last words alone. */
function log(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}

/** A full disk under the log must not end whoever serves: without a listener Node does just that. */
function outliveLog(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

function fail(what: string, error: unknown): never {
  log(`error: ${what}: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

async function listen(server: Server, settings: ServerSettings): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(settings.port, settings.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  log(`listening on http://${settings.host}:${port}`);
}

/** The library says that loading failed, and llama.cpp's own log says why. */
async function load(settings: ServerSettings): Promise<EmbeddedEngine> {
  let why = '';
  const hear = (level: string, message: string): void => {
    log(`llama.cpp ${level}: ${message}`);
    if (level === 'error') why ||= ` (${message})`;
  };
  return await loadEngine(settings, hear).catch(async (error: unknown) => {
    // The lines come from the engine's own threads, a little after the failure, and nothing says that they are all there.
    await new Promise((resolve) => setTimeout(resolve, 100));
    throw new Error(`${error instanceof Error ? error.message : String(error)}${why}`, { cause: error });
  });
}

function report({ facts }: EmbeddedEngine, ms: number): void {
  const { alias, contextTokens, contextTrained, parallel, threads, flashAttention, kvCache, fileType } = facts;
  log(`${facts.build}: ${fileType} weights of ${facts.modelBytes} bytes loaded in ${Math.round(ms)} ms`);
  log(
    `in force: alias=${alias} context=${contextTokens} (trained for ${contextTrained}) parallel=${parallel} threads=${threads} kvCache=${kvCache} flashAttention=${flashAttention} gpuLayers=0`,
  );
  log('ready');
}

/** Admitted requests are finished, new connections are refused; whoever sent the signal decides how long that may take. */
function endOnSignal(front: Front, state: ServerState): void {
  let asked = false;
  const end = (signal: NodeJS.Signals): void => {
    // While the model loads nobody is served; the native loader cannot be waited for politely. A second signal means now.
    if (asked || state.engine === null) process.exit(asked ? 1 : 0);
    asked = true;
    const busy = state.engine.slots.state().filter((slot) => slot.processing).length;
    const stopped = front.stop();
    log(`${signal}: no new connections; ${busy} requests are being finished`);
    void stopped.then(() => {
      log('ended');
      process.exit(0);
    });
  };
  process.on('SIGTERM', end).on('SIGINT', end);
}

async function main(): Promise<void> {
  outliveLog();
  const state: ServerState = { engine: null };
  let settings: ServerSettings;
  try {
    settings = readSettings(process.argv.slice(2));
  } catch (error) {
    fail('invalid arguments', error);
  }
  const front = createFront(state, log);
  endOnSignal(front, state);
  await listen(front.server, settings).catch((error: unknown) => fail('cannot listen', error));
  log(`loading ${settings.model}`);
  const started = performance.now();
  state.engine = await load(settings).catch((error: unknown) => fail('cannot load the model', error));
  report(state.engine, performance.now() - started);
}

await main();
