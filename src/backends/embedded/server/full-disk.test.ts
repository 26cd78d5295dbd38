import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../kit/ports.ts';

const WEIGHTS = fileURLToPath(new URL('../../../../examples/models/desk-TQ1_0.gguf', import.meta.url));
const PROGRAM = fileURLToPath(new URL('./main.ts', import.meta.url));

// Linux has a file of which every write says that the disk is full: full(4).
describe.skipIf(process.platform !== 'linux')('a log that cannot be written', () => {
  test('does not end the server', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const full = openSync('/dev/full', 'w');
    const args = ['--disable-warning=ExperimentalWarning', PROGRAM, '--model', WEIGHTS, '--port', String(port)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', full, full] });
    onTestFinished(() => void child.kill('SIGKILL'));
    closeSync(full);
    const isUp = () =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (child.exitCode === null && !(await isUp())) await pause(50);
    expect(child.exitCode).toBeNull();
    const answer = await fetch(`${url}/v1/completions`, { method: 'POST', body: JSON.stringify({ prompt: 'hello', max_tokens: 1 }) });
    expect(await answer.json()).toMatchObject({ usage: { completion_tokens: 1 } });
  });
});
