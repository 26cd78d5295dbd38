import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findServer } from './llama-server.ts';
import { TRIAGED, triage } from './real/clients.ts';
import { isAlive, pidsWithWord, signal, until } from './real/proc.ts';
import { makeRig, type Rig } from './real/rig.ts';
import { BIN } from './real/command.ts';

let rig: Rig;
beforeAll(async () => (rig = await makeRig()));
afterAll(() => rig.end());
beforeEach(() => rig.declare({ desk: 'source: file:desk-F16.gguf, context: 512' }));
afterEach(() => rig.ok('down', '-y'));

const answer = () => triage(rig.endpoint()?.url ?? '');
const shell = (text: string) => text.replaceAll('BIN', BIN).replaceAll('DIR', rig.dir);

/** A shell in a terminal of its own: script(1) of util-linux, which Debian always has. */
function terminal(command: string): { readonly child: ChildProcess; readonly text: () => string } {
  const child = spawn('/usr/bin/script', ['-qefc', shell(command), '/dev/null'], {
    env: { ...rig.env, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk));
  return { child, text: () => text };
}

describe('An engine outlives', () => {
  it('the terminal in which apply was typed', async () => {
    const { child, text } = terminal('BIN -C DIR apply -y; echo "it is $((6 * 7))"; read line');
    await until(() => text().includes('it is 42'));
    expect(text()).toContain('Done in');
    const { pid } = rig.engine();
    signal(child.pid as number, 'SIGKILL'); // the terminal is closed: the kernel hangs up everything in it
    await once(child, 'exit');
    expect(rig.engine().pid).toBe(pid);
    expect(await answer()).toEqual(TRIAGED);
  });

  it('a hang-up of everything that the shell started', async () => {
    const child = spawn('sh', ['-c', shell('BIN -C DIR apply -y; echo "it is $((6 * 7))"; exec sleep 600')], {
      env: rig.env,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk));
    await until(() => text.includes('it is 42'));
    const { pid } = rig.engine();
    for (const name of ['SIGINT', 'SIGHUP', 'SIGKILL'] as const) signal(-(child.pid as number), name);
    await once(child, 'exit');
    expect(rig.engine().pid).toBe(pid);
    expect(await answer()).toEqual(TRIAGED);
  });

  it('a terminal that is closed in the middle of apply, and the next apply finishes', async () => {
    const { child, text } = terminal('BIN -C DIR apply -y');
    await until(() => text().includes('start desk'));
    signal(child.pid as number, 'SIGKILL');
    await once(child, 'exit');
    await until(() => pidsWithWord(rig.dir).length === 0);
    await rig.ok('apply', '-y');
    expect(rig.processes()).toHaveLength(1);
    expect(await answer()).toEqual(TRIAGED);
  });
});

describe('An engine that is a script with children and grandchildren', () => {
  const word = `86${process.pid}01`;
  beforeEach(async () => {
    const path = join(rig.dir, 'wrapped');
    // One helper keeps the mark, one drops it, and the server itself is not the process that was started.
    writeFileSync(
      path,
      `#!/bin/sh\ncase " $* " in *" --port "*) ;; *) exec ${findServer()} "$@" ;; esac\nsleep ${word} &\n(env -i /bin/sleep ${word} &)\n${findServer()} "$@" &\nwait\n`,
    );
    chmodSync(path, 0o755);
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 512' }, '{ type: llama.cpp, engine: ./wrapped }');
    await rig.ok('apply', '-y');
  });

  it('serves like any other, and is gone with all of them when it is stopped', async () => {
    expect(await answer()).toEqual(TRIAGED);
    expect(pidsWithWord(word)).toHaveLength(2);
    expect(rig.processes().length).toBeGreaterThan(1);
    await rig.ok('down', '-y');
    expect(rig.processes()).toEqual([]);
    expect(pidsWithWord(word).filter(isAlive)).toEqual([]);
  });

  it('leaves nothing behind when the script is killed: the next apply ends the rest and starts anew', async () => {
    const script = rig.processes().find(({ args }) => args.some((each) => each.endsWith('/wrapped')));
    signal(script?.pid ?? 0, 'SIGKILL');
    await until(() => !isAlive(script?.pid ?? 0));
    const left = rig.processes().map(({ pid }) => pid);
    expect(left.length).toBeGreaterThan(0);
    expect(await rig.ok('plan')).toContain('crashed');
    await rig.ok('apply', '-y');
    expect(left.filter(isAlive)).toEqual([]);
    expect(await answer()).toEqual(TRIAGED);
    await rig.ok('down', '-y');
    expect(pidsWithWord(word).filter(isAlive)).toEqual([]);
  });
});
