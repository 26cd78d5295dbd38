import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const SIGNALS = JSON.stringify(join(import.meta.dirname, '../../src/cli/signals.ts'));

/** A program that heeds signals as llmops does, and one of whose threads hangs in the opening of a pipe. */
async function hanging(then: string): Promise<{ readonly child: ChildProcess; readonly said: (word: string) => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'llmops-signals-'));
  execFileSync('mkfifo', [join(folder, 'ff')]);
  const program = `import { open } from 'node:fs/promises';
    import { signals } from ${SIGNALS};
    const { signal, exitCode, leave } = signals(process);
    process.on('exit', (code) => console.log('exit ' + code));
    open(${JSON.stringify(join(folder, 'ff'))});
    ${then}
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => (child.kill('SIGKILL'), rmSync(folder, { recursive: true, force: true })));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const said = async (word: string): Promise<void> => {
    while (!text.includes(word)) await once(child.stdout, 'data');
  };
  await said('ready');
  return { child, said };
}

describe('A program one of whose threads hangs on a disk', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('is ended by the second %s, and has let go of what it holds', async (name) => {
    const { child, said } = await hanging(`signal.addEventListener('abort', () => console.log('aborted'));`);
    const ended = once(child, 'exit');
    child.kill(name);
    await said('aborted');
    const again = setInterval(() => child.kill(name), 20);
    expect(await ended.finally(() => clearInterval(again))).toEqual([null, name]);
    await said(name === 'SIGINT' ? 'exit 130' : 'exit 143');
  });

  it('ends all the same when it has nothing else to do: of the signal that it was told to stop by', async () => {
    const { child } = await hanging(`signal.addEventListener('abort', () => (process.exitCode = exitCode(), leave()));`);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
  });

  it('or of one that nothing can hold back, which is no success', async () => {
    const { child } = await hanging(`process.exitCode = 1; leave();`);
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  });
});
