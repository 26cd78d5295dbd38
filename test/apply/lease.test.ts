import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Problem } from '../../src/domain/problem.ts';
import { acquireLease } from '../../src/state/index.ts';
import { folder } from './helpers.ts';

const CONTENDER = fileURLToPath(new URL('contender.ts', import.meta.url));

interface Told {
  readonly won: boolean;
  readonly pid: number;
  readonly token?: number;
  readonly problem?: Problem;
}

interface Contender {
  readonly process: ChildProcess;
  readonly told: Promise<Told>;
}

const started: ChildProcess[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) await end(child, 'SIGKILL');
});

function contend(dir: string, waitMs = 0): Contender {
  const child = spawn(process.execPath, [CONTENDER, dir, String(waitMs)], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  const told = once(createInterface(child.stdout), 'line').then(([line]) => JSON.parse(line as string) as Told);
  return { process: child, told };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

const take = (dir: string) => acquireLease(dir, { command: 'llmops test', waitMs: 0 });

describe('the lease on a stack', () => {
  it('is won by exactly one of 16 processes that race for it, and every loser names the winner', async () => {
    const dir = await folder();
    const contenders = Array.from({ length: 16 }, () => contend(dir));
    const told = await Promise.all(contenders.map((contender) => contender.told));
    const winners = told.filter((one) => one.won);
    expect(winners).toHaveLength(1);
    for (const { problem } of told.filter((one) => !one.won)) {
      expect(problem?.code).toBe('lease-held');
      expect(problem?.summary).toContain(`pid ${winners[0]?.pid} (llmops apply, `);
      expect(problem?.fix).toContain('--lock-timeout 30s');
    }
  });

  it('is free at once when its holder is killed, and the next token is greater', async () => {
    const dir = await folder();
    const holder = contend(dir);
    const { token = 0 } = await holder.told;
    await expect(take(dir)).rejects.toMatchObject({
      problem: { code: 'lease-held' },
      holder: expect.stringMatching(/^pid \d+ \(llmops apply, .*\)$/) as string,
    });
    await end(holder.process, 'SIGKILL');
    const lease = await take(dir);
    expect(lease.token).toBeGreaterThan(token);
    lease.release();
  });

  it('is still held by a process that is stopped with SIGSTOP, which is named', async () => {
    const dir = await folder();
    const holder = contend(dir);
    const { pid } = await holder.told;
    holder.process.kill('SIGSTOP');
    await expect(take(dir)).rejects.toThrow(`pid ${pid} `);
    holder.process.kill('SIGCONT');
  });

  it('goes to one who waits, as soon as the holder lets go', async () => {
    const dir = await folder();
    const lease = await take(dir);
    const waiting = acquireLease(dir, { command: 'waiter', waitMs: 60_000 });
    expect(await Promise.race([waiting, once(contend(dir).process, 'exit')])).toEqual([0, null]); // others lose meanwhile
    lease.release();
    const next = await waiting;
    expect(next.token).toBe(lease.token + 1);
    next.release();
  });

  it('is waited for only until the caller gives up', async () => {
    const dir = await folder();
    const lease = await take(dir);
    const gone = AbortSignal.abort(new Error('Ctrl-C'));
    await expect(acquireLease(dir, { command: 'x', waitMs: 60_000, signal: gone })).rejects.toThrow('Ctrl-C');
    lease.release();
  });

  it('is not blamed on a dead process whose name is still written there', async () => {
    const dir = await folder();
    const holder = contend(dir);
    const { pid } = await holder.told;
    await end(holder.process, 'SIGKILL');
    const [first, second] = [contend(dir), contend(dir)];
    const told = await Promise.all([first.told, second.told]);
    const winner = told.find((one) => one.won);
    const loser = told.find((one) => !one.won);
    expect(loser?.problem?.summary).toContain(`pid ${winner?.pid} `);
    expect(loser?.problem?.summary).not.toContain(`pid ${pid} `);
  });

  it('grows its token though journal or holder file are lost', async () => {
    const dir = await folder();
    const first = await take(dir);
    first.release();
    await writeFile(join(dir, 'journal.ndjson'), 'torn');
    const second = await take(dir);
    expect(second.token).toBe(first.token + 1);
    second.release();
  });

  it('is lost when the state folder is removed, so that no further step acts', async () => {
    const dir = await folder();
    const lease = await take(dir);
    lease.verify();
    await rm(dir, { recursive: true });
    expect(() => lease.verify()).toThrow('no longer holds the lease');
    await mkdir(dir);
    const other = await take(dir);
    expect(() => lease.verify()).toThrow('no longer holds the lease');
    other.verify();
    lease.release();
    other.verify();
    other.release();
  });

  it('keeps its files to their owner', async () => {
    const dir = join(await folder(), 'new');
    const lease = await take(dir);
    const modes = await Promise.all(['', 'lease.db', 'holder.json'].map(async (name) => (await stat(join(dir, name))).mode & 0o777));
    expect(modes).toEqual([0o700, 0o600, 0o600]);
    lease.release();
  });

  it('says what to do where the state folder cannot be', async () => {
    const file = join(await folder(), 'a-file');
    await writeFile(file, '');
    await expect(take(join(file, 'state'))).rejects.toMatchObject({
      problem: { code: 'state-not-writable', fix: expect.stringContaining('--state-dir') as string },
    });
  });
});
