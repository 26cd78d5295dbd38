import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { askProgram, type Answer, type Question } from './index.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'llmops-programs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const DEFAULTS = { file: '/bin/sh', env: { PATH: '/bin:/usr/bin' }, deadlineMs: 60_000, limitBytes: 1000 };
const say = (script: string, more: Partial<Question> = {}): Promise<Answer> => askProgram({ ...DEFAULTS, args: ['-c', script], ...more });

/** A script that waits for another program, and where both write their pids. */
function waiting(then = ''): { readonly script: string; readonly pids: () => Promise<readonly number[]> } {
  const file = join(newFolder(), 'pids');
  const written = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []);
  return {
    script: `echo $$ >${file}; sleep 1000 & echo $! >>${file}; ${then} wait`,
    pids: () => vi.waitUntil(() => (written().length === 2 ? written() : null), { timeout: 60_000 }),
  };
}

async function expectEnded(pids: readonly number[]): Promise<void> {
  await vi.waitUntil(() => !pids.some(isRunning), { timeout: 60_000 });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(existsSync('/proc') ? readFileSync(`/proc/${pid}/status`, 'utf8') : '');
  } catch {
    return false;
  }
}

describe('A program that is asked', () => {
  it('tells what it wrote and how it ended, in its folder and with the variables that it is given, and no others', async () => {
    const cwd = newFolder();
    expect(await say('pwd; echo "$A-$HOME" >&2; exit 3', { cwd, env: { A: 'a' } })).toEqual({
      how: 'ended',
      code: 3,
      stdout: `${cwd}\n`,
      stderr: 'a-\n',
    });
  });

  it('and cannot be started, or was not to be started any more, said nothing', async () => {
    const nothing = { code: null, stdout: '', stderr: '' };
    expect(await say('', { file: '/nowhere/tool' })).toEqual({ how: 'not-started', ...nothing });
    expect(await say('a\0b')).toEqual({ how: 'not-started', ...nothing });
    expect(await say('echo x', { signal: AbortSignal.abort() })).toEqual({ how: 'cancelled', ...nothing });
  });

  it('and died of a signal has no exit code', async () => {
    expect(await say('kill -9 $$')).toMatchObject({ how: 'ended', code: null });
  });
});

describe('All that a program started is ended with it', () => {
  it('at its deadline', async () => {
    const { script, pids } = waiting();
    expect(await say(script, { deadlineMs: 500 })).toMatchObject({ how: 'late', code: null });
    await expectEnded(await pids());
  });

  it('once nobody waits for it', async () => {
    const { script, pids } = waiting();
    const nobody = new AbortController();
    const asked = say(script, { signal: nobody.signal });
    const started = await pids();
    nobody.abort();
    expect(await asked).toMatchObject({ how: 'cancelled' });
    await expectEnded(started);
  });

  it('when it writes too much', async () => {
    const { script, pids } = waiting('yes;');
    expect(await say(script)).toMatchObject({ how: 'too-much', code: null });
    await expectEnded(await pids());
  });

  it('when the one that asked exits without waiting', async () => {
    const { script, pids } = waiting();
    const asking = `import { askProgram } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
      askProgram(${JSON.stringify({ ...DEFAULTS, args: ['-c', script] })});
      process.stdin.once('data', () => process.exit());`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', asking], { stdio: ['pipe', 'inherit', 'inherit'] });
    const started = await pids();
    child.stdin.write('go\n');
    await once(child, 'exit');
    await expectEnded(started);
  });
});

describe('A program on a leash', () => {
  const leashed = true;

  it('is asked as any other', async () => {
    expect(await say('echo out; echo err >&2; exit 3', { leashed })).toEqual({ how: 'ended', code: 3, stdout: 'out\n', stderr: 'err\n' });
    const args = ['-c', 'printf "%s|" "$0" "$@"', 'a b', '$c', '*', ''];
    expect((await askProgram({ ...DEFAULTS, args, leashed })).stdout).toBe('a b|$c|*||');
    const missing = await askProgram({ ...DEFAULTS, file: 'no-such-tool', args: [], leashed });
    expect(missing).toEqual({ how: 'not-started', code: null, stdout: '', stderr: '' });
  });

  it('leaves what it began on purpose, when it ends by itself', async () => {
    const file = join(newFolder(), 'pid');
    await say(`sleep 1000 >/dev/null 2>&1 & echo $! >${file}`, { leashed });
    const pid = Number(readFileSync(file, 'utf8'));
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  it('is ended with all that it started, at its deadline', async () => {
    const { script, pids } = waiting();
    expect(await say(script, { deadlineMs: 500, leashed })).toMatchObject({ how: 'late', code: null });
    await expectEnded(await pids());
  });

  it('and when the one that asked is killed', async () => {
    const { script, pids } = waiting();
    const asking = `import { askProgram } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
      askProgram(${JSON.stringify({ ...DEFAULTS, args: ['-c', script], leashed })});`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', asking], { stdio: 'inherit' });
    const started = await pids();
    child.kill('SIGKILL');
    await expectEnded(started);
  });
});
