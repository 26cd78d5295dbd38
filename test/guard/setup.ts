import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { RUN } from './run.ts';

let isGuarded = false;

/**
 * Set-up of a whole run: a watchdog in a session of its own, which ends what the run started as soon as the run is gone, however
 * it ended: engines outlive whoever started them, so an interrupted test would leave them behind. Once a run, however many
 * projects it has. A run that ends by itself waits for the watchdog's last look.
 */
export default function setup(): (() => Promise<void>) | undefined {
  if (isGuarded) return undefined;
  isGuarded = true;
  const { [RUN]: _outer, ...env } = process.env;
  const run = `${process.pid}-${crypto.randomUUID()}`;
  // What it is told through the pipe is nothing: that the pipe is closed is the message, and the kernel sends it.
  const dog = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'watchdog.ts'), run], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
    env,
  });
  dog.unref();
  (dog.stdin as unknown as { unref(): void }).unref();
  process.env[RUN] = run;
  return async () => {
    const ended = once(dog, 'exit');
    dog.ref();
    dog.stdin.end();
    await ended;
  };
}
