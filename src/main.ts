import { readFileSync, realpathSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

// Composition root: the only place that knows every backend. Everything costly stays behind an import until a verb asks.
keepCompiledCode();
const { runCli } = await import('./cli/index.ts');
const { signals } = await import('./cli/signals.ts');
const { MARKER } = await import('./backends/kit/marker.ts');
const { tolerateBrokenPipes } = await import('./cli/broken-pipe.ts');

/** Who was told to end waits this long, in milliseconds, for a reader that does not read. */
const LAST_WORDS_MS = 2000;

const { signal, exitCode, leave } = signals(process);
delete process.env[MARKER]; // called from something that an engine started: what is started from here is no part of that engine
const outputLost = tolerateBrokenPipes([process.stdout, process.stderr]);

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
process.exitCode = await runCli(
  process.argv.slice(2),
  {
    env: process.env,
    cwd: folderAsSpelt(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    backends: async () => (await import('./backends/index.ts')).backends,
    signal,
    signalExitCode: exitCode,
    now: () => new Date().toISOString(),
  },
  version,
);
const written = new Promise<void>((resolve) => void process.stdout.write('', () => resolve())); // the error of a write comes after it
await Promise.race([written, toldToEnd(signal).then(() => pause(LAST_WORDS_MS))]);
if (outputLost() && process.exitCode === 0) process.exitCode = 1;
// Sockets that an engine keeps open must not keep the command alive; what was written is flushed first.
await leave();

/** Resolves when the signal is aborted. */
function toldToEnd(told: AbortSignal): Promise<void> {
  return new Promise((resolve) => (told.aborted ? resolve() : told.addEventListener('abort', () => resolve(), { once: true })));
}

/** The folder as a shell names it (PWD): through a link that leads to the newest of several releases, and not to the one of today. */
function folderAsSpelt(): string {
  const [spelt, real] = [process.env['PWD'], process.cwd()];
  try {
    return spelt !== undefined && isAbsolute(spelt) && realpathSync(spelt) === real ? spelt : real;
  } catch {
    return real; // PWD is of another time
  }
}

/** Halves the start of every verb after the first: Node keeps compiled code in our cache folder. Only ever a matter of speed. */
function keepCompiledCode(): void {
  const base = process.env['XDG_CACHE_HOME'] ?? (process.env['HOME'] ? join(process.env['HOME'], '.cache') : '');
  if (isAbsolute(base)) enableCompileCache(join(base, 'llmops', 'compiled'));
}
