import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeOllama } from './server.ts';

/**
 * Writes a program into a folder that takes `serve` and listens at OLLAMA_HOST, as the real one does; a child stands for its runner.
 * With FAKE_OLLAMA_BREAKS in its environment it ends at once, with a word.
 */
export function writeFakeProgram(dir: string): string {
  const path = join(dir, 'ollama');
  writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${import.meta.filename}" "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

if (process.argv[1] === import.meta.filename && process.argv[2] === 'serve') {
  if (process.env['FAKE_OLLAMA_BREAKS'] !== undefined) {
    console.error('Error: $HOME is not defined');
    process.exit(1);
  }
  const { spawn } = await import('node:child_process');
  const runner = spawn('sleep', ['600'], { stdio: 'ignore' });
  await FakeOllama.start(Number(/:(\d+)$/.exec(process.env['OLLAMA_HOST'] ?? '')?.[1]));
  process.on('SIGTERM', () => {
    runner.kill();
    process.exit(0);
  });
}
