import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { helpText, parseSettings, versionText } from './args.ts';
import { FakeEngine } from './engine.ts';
import { readFaults, strikes, until } from './faults.ts';
import { createFakeServer } from './server.ts';
import { readFakeWeights } from './weights.ts';

/** Writes an executable `llama-server` into a folder: this Node running the fake, compiled once. Returns its path. */
export function installFake(folder: string): string {
  const path = join(folder, 'llama-server');
  const lines = [
    `#!${process.execPath}`,
    `require('node:module').enableCompileCache(${JSON.stringify(join(folder, 'compiled'))});`,
    `import(${JSON.stringify(fileURLToPath(import.meta.url))}).then((fake) => fake.runFake(process.argv.slice(2)));`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** The fake's program: the README beside this file says how it behaves. */
export async function runFake(words: readonly string[]): Promise<void> {
  const faults = readFaults(process.env);
  const build = faults.build ?? '0.7.0';
  if (words.includes('--version')) return void console.error(versionText(build));
  if (words.includes('--help') || words.includes('-h')) return void console.log(helpText(build));
  const engine = new FakeEngine(
    orExit(() => parseSettings(words, build)),
    faults,
  );
  listenForSigterm(engine);
  if (faults.grandchild)
    spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await listen(engine);
  await load(engine);
}

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

function orExit<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    log((error as Error).message);
    process.exit(1);
  }
}

/** Listens before it loads, as the real one does. */
async function listen(engine: FakeEngine): Promise<void> {
  const { host, port } = engine.settings;
  const refuse = () => {
    log(
      `E srv         start: couldn't bind HTTP server socket, hostname: ${host}, port: ${port}\nE srv  llama_server: exiting due to HTTP server error`,
    );
    process.exit(1);
  };
  if (strikes(engine.faults.counter, engine.faults.bindFailures)) refuse();
  const server = createFakeServer(engine, log);
  await new Promise<void>((done) => server.once('error', refuse).listen(port, host, done));
}

async function load(engine: FakeEngine): Promise<void> {
  const { settings, faults } = engine;
  log(`I srv    load_model: loading model '${settings.model}'`);
  const fails = faults.failLoad !== undefined && (faults.failLoads === undefined || strikes(faults.counter, faults.failLoads));
  if (fails) {
    log(faults.failLoad as string);
    process.exit(1);
  }
  const weights = orExit(() => readFakeWeights(settings.model));
  if (faults.loadUntil !== undefined) await until(faults.loadUntil);
  engine.weights = weights;
  const every = weights.layers + 1;
  const offloaded = /^\d+$/.test(settings.layers) ? Math.min(every, Number(settings.layers)) : every;
  if (settings.verbosity >= 4) {
    log(`I load_tensors: offloaded ${offloaded}/${every} layers to GPU`);
    log(
      `I llama_context: flash_attn            = ${settings.flash === 'off' ? 'disabled' : settings.flash === 'auto' ? 'auto' : 'enabled'}`,
    );
    log(
      `I llama_kv_cache: size =    1.00 MiB (   256 cells,   4 layers,  2/2 seqs), K (${settings.cacheK}):    0.50 MiB, V (${settings.cacheV}):    0.50 MiB`,
    );
  }
  log(
    `I srv    load_model: initializing, n_slots = ${engine.slots}, n_ctx_slot = ${engine.contextPerSlot}, kv_unified = '${settings.unified || settings.parallel === null}'`,
  );
  log(`I srv  llama_server: model loaded`);
}

/** Idle it exits at once. With requests in flight it stops generating and stays, until a second signal. */
function listenForSigterm(engine: FakeEngine): void {
  process.on('SIGTERM', () => {
    if (engine.faults.ignoreSigterm) return;
    if (engine.isStopping) process.exit(1);
    log('I srv    operator(): operator(): cleaning up before exit...');
    engine.isStopping = true;
    if (engine.inFlight === 0) process.exit(0);
  });
}
