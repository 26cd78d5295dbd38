import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findServer } from '../llama-server.ts';
import { until } from './proc.ts';
import type { Rig } from './rig.ts';

/** A llama-server that somebody starts by hand: relative paths, short flags, in a group of its own. */
export async function startTheirs(rig: Rig, port: number, more: readonly string[] = [], file = 'desk-Q8_0.gguf'): Promise<ChildProcess> {
  const words = ['-m', file, '-c', '1024', '-np', '2', '--port', String(port), ...more];
  const child = spawn(findServer(), words, { cwd: rig.dir, stdio: 'ignore', detached: true, env: { PATH: process.env['PATH'] } });
  await until(async () => (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok === true);
  return child;
}

/** Ends it, and waits until it has. */
export async function endTheirs(child: ChildProcess): Promise<void> {
  const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
  child.kill('SIGKILL');
  await gone;
}

/** Imports a server. The stack gets the name that the rig looks for. */
export async function importInto(rig: Rig, source: string, from: string): Promise<void> {
  await rig.ok('import', source, from);
  edit(rig, /^name: .*$/m, 'name: real');
}

/** Changes llmops.yaml; fails if there is nothing to change. */
export function edit(rig: Rig, before: string | RegExp, after: string): void {
  const path = join(rig.dir, 'llmops.yaml');
  const text = readFileSync(path, 'utf8');
  if (text.search(before) < 0) throw new Error(`there is no ${String(before)} in ${text}`);
  writeFileSync(path, text.replace(before, after));
}
