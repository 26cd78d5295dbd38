import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** A checkout of its own whose npm is this script, and the set-up begun in it. */
function setUpWith(npm: string) {
  const dir = mkdtempSync(join(tmpdir(), 'llmops-setup-'));
  for (const folder of ['scripts', 'bin']) mkdirSync(join(dir, folder));
  for (const file of ['scripts/setup.mjs', 'package-lock.json']) copyFileSync(join(root, file), join(dir, file));
  writeFileSync(join(dir, 'bin/npm'), `#!/bin/sh\n${npm}\n`);
  chmodSync(join(dir, 'bin/npm'), 0o755);
  const child = spawn(process.execPath, ['scripts/setup.mjs'], {
    cwd: dir,
    env: { ...process.env, PATH: `${dir}/bin:/usr/bin:/bin` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close') as Promise<[number | null]>;
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  });
  const file = (name: string) => join(dir, name);
  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    begun: async () => {
      while (!existsSync(file('begun'))) await new Promise((next) => setTimeout(next, 10));
    },
    pid: () => Number(readFileSync(file('begun'), 'utf8')),
    file,
    said: async (text: string) => {
      while (!said.includes(text)) await once(child.stderr, 'data');
    },
    ended: async () => ({ code: (await ended)[0], said }),
  };
}

/** An npm that has put one package there and does not heed Ctrl-C. */
const STUBBORN = 'trap "" INT; mkdir -p node_modules/left; echo $$ >begun.new; mv begun.new begun; while :; do sleep 0.05; done';

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('Ctrl-C during the set-up', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: an npm that does not end by itself is ended, and what is left is told as it is', async (signal, code) => {
    const setup = setUpWith(STUBBORN);
    await setup.begun();
    setup.kill(signal);
    const ended = await setup.ended();
    expect(ended.code).toBe(code);
    expect(ended.said).toMatch(
      /Interrupted: .*Ctrl-C once more ends it at once\.\nNot set up\. node_modules holds a part of it \(1 entry\)\./,
    );
    expect(lives(setup.pid())).toBe(false);
    expect(existsSync(setup.file('node_modules/.llmops-setup'))).toBe(false);
  });

  it('once more ends at once what would have ended by itself', async () => {
    const setup = setUpWith(STUBBORN);
    await setup.begun();
    setup.kill('SIGINT');
    await setup.said('Interrupted');
    setup.kill('SIGINT');
    expect(await setup.ended()).toMatchObject({ code: 130, said: expect.stringContaining('Not set up.') as string });
    expect(lives(setup.pid())).toBe(false);
  });

  it('says that nothing is left where npm took everything back', async () => {
    const setup = setUpWith('trap "exit 1" INT; echo $$ >begun; while :; do sleep 0.05; done');
    await setup.begun();
    setup.kill('SIGINT');
    expect((await setup.ended()).said).toContain('Not set up. Nothing is left in node_modules.\nType the command again');
  });

  it('is set up if npm was done already, and still ends', async () => {
    const setup = setUpWith('trap "exit 0" INT; mkdir -p node_modules; echo $$ >begun; while :; do sleep 0.05; done');
    await setup.begun();
    setup.kill('SIGINT');
    expect(await setup.ended()).toMatchObject({ code: 130, said: expect.stringContaining('Set up in') as string });
    expect(existsSync(setup.file('node_modules/.llmops-setup'))).toBe(true);
  });
});
