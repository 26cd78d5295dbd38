import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kitchen, WEIGHTS, type Kitchen } from './kitchen.ts';
import type { Ended } from './stage.ts';

describe('llmops cache', () => {
  it('lists what was fetched and whether a stack uses it, and prunes only what none does', async () => {
    const stage = await kitchen();
    expect((await stage.run('cache', 'ls')).stdout).toBe('Nothing was fetched to this machine yet.\n');
    await stage.hub('apply', '--prefetch-only', '-y'); // for a stack that will want it
    expect((await stage.run('cache', 'ls')).stdout).toMatch(/in use +desk-Q4_K_M\.gguf/);
    expect((await stage.run('cache', 'prune', '-y')).stdout).toBe('There is nothing to remove. 1 file in use stays.\n');
    rmSync(stage.stateDir, { recursive: true });
    expect((await stage.run('cache', 'ls')).stdout).toMatch(/in use +desk-Q4_K_M\.gguf/); // the lock here pins it
    rmSync(join(stage.dir, 'llmops.lock'));
    const away = await stage.run('cache', 'ls');
    expect(away.stdout).toMatch(/in use +desk-Q4_K_M\.gguf/); // the disk of its state may be away
    expect(away.stderr).toContain(`llmops cache prune --forget ${stage.stateDir}`);
    const { stdout } = await stage.run('cache', 'prune', '-y', '--forget', stage.stateDir);
    expect(stdout).toContain(`Freed ${WEIGHTS.length} B.`);
    expect(readdirSync(join(stage.store, 'blobs'))).toEqual([]);
  });

  it('asks before it removes anything, and refuses where nobody can be asked', async () => {
    const stage = await kitchen();
    await stage.hub('apply', '--prefetch-only', '-y');
    const told = await stage.run('cache', 'prune', '--all');
    expect(told.code).toBe(1);
    expect(told.stderr).toContain('[not-approved]');
    expect(readdirSync(join(stage.store, 'blobs'))).toHaveLength(1);
  });

  it('verify sets a file that was damaged aside, and the next apply fetches it anew', async () => {
    const stage = await kitchen();
    await stage.hub('apply', '--prefetch-only', '-y');
    expect(await stage.run('cache', 'verify')).toMatchObject({ code: 0, stdout: expect.stringContaining('All 1 file are what they were') });
    const [blob] = readdirSync(join(stage.store, 'blobs'));
    const path = join(stage.store, 'blobs', blob as string);
    chmodSync(path, 0o600);
    writeFileSync(path, Buffer.alloc(WEIGHTS.length, 7));
    const told = await stage.run('cache', 'verify');
    expect(told.code).toBe(1);
    expect(told.stdout).toContain('1 of 1 file are damaged');
    expect((await stage.run('plan')).stdout).toContain('to fetch first');
    expect((await stage.hub('apply', '-y')).code).toBe(0);
  });
});

/** The same machine, with a stack whose state is in `--state-dir` and whose folder is not the one that others work in. */
async function elsewhere(): Promise<{
  readonly stage: Kitchen;
  readonly stateDir: string;
  readonly prune: (...more: string[]) => Promise<Ended>;
}> {
  const stage = await kitchen();
  const stateDir = join(dirname(stage.dir), 'far', 'state');
  const other = join(dirname(stage.dir), 'other');
  mkdirSync(other, { recursive: true });
  return { stage, stateDir, prune: (...more) => stage.run('-C', other, 'cache', 'prune', '-y', ...more) };
}

const blobs = (stage: Kitchen): readonly string[] => readdirSync(join(stage.store, 'blobs'));

describe('llmops cache prune, of weights that other stacks use', () => {
  it('keeps those of a stack that runs with its state in --state-dir', async () => {
    const { stage, stateDir, prune } = await elsewhere();
    expect(await stage.hub('apply', '-y', '--state-dir', stateDir)).toMatchObject({ code: 0 });
    rmSync(join(stage.dir, 'llmops.lock'));
    expect(await prune()).toMatchObject({ code: 0, stdout: 'There is nothing to remove. 1 file in use stays.\n', stderr: '' });
    expect(blobs(stage)).toHaveLength(1);
  });

  it('keeps those that were only fetched ahead, also where everything was here already', async () => {
    const { stage, stateDir, prune } = await elsewhere();
    await stage.hub('apply', '--prefetch-only', '-y');
    const again = await stage.hub('apply', '--prefetch-only', '-y', '--state-dir', stateDir);
    expect(again.stdout).toContain('There is nothing to fetch ahead.');
    rmSync(stage.stateDir, { recursive: true });
    expect((await prune('--forget', stage.stateDir)).stdout).toContain('1 file in use stays');
    expect(blobs(stage)).toHaveLength(1);
  });

  it.each([
    ['is gone', (dir: string) => rmSync(dir, { recursive: true })],
    ['is empty, as where a disk was mounted', (dir: string) => (rmSync(dir, { recursive: true }), mkdirSync(dir))],
  ])('keeps those of a stack whose state folder %s, says so, and removes them when that is meant', async (_, take) => {
    const { stage, stateDir, prune } = await elsewhere();
    await stage.hub('apply', '-y', '--state-dir', stateDir);
    rmSync(join(stage.dir, 'llmops.lock'));
    take(stateDir);
    const told = await prune();
    expect(told.stdout).toContain('1 file in use stays');
    expect(told.stderr).toContain('[stack-away]');
    expect(told.stderr.replace(/\s+/g, ' ')).toContain(`llmops cache prune --forget ${stateDir}`);
    expect((await prune('--forget', stateDir)).stdout).toContain('Freed');
    expect(blobs(stage)).toEqual([]);
  });

  it('keeps those of a stack whose state cannot be read', async () => {
    const { stage, stateDir, prune } = await elsewhere();
    await stage.hub('apply', '-y', '--state-dir', stateDir);
    rmSync(join(stage.dir, 'llmops.lock'));
    writeFileSync(join(stateDir, 'inventory.json'), 'torn');
    const told = await prune();
    expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining('1 file in use stays') as string });
    expect(told.stderr).toContain('[stack-unreadable]');
  });

  it('removes nothing while nobody can tell what a stack uses', async () => {
    const { stage, stateDir, prune } = await elsewhere();
    await stage.hub('apply', '-y', '--state-dir', stateDir);
    const [record] = readdirSync(join(stage.store, 'users'));
    writeFileSync(join(stage.store, 'users', record as string), 'torn');
    expect(await prune()).toMatchObject({ code: 1, stderr: expect.stringContaining('[use-unknown]') as string });
    expect(blobs(stage)).toHaveLength(1);
  });

  it('--forget takes no stack that has models, and none that is not on record', async () => {
    const { stage, stateDir, prune } = await elsewhere();
    await stage.hub('apply', '-y', '--state-dir', stateDir);
    expect((await prune('--forget', stateDir)).stderr).toContain('[stack-in-use]');
    expect((await prune('--forget', '/nowhere')).stderr).toContain('[stack-not-on-record]');
    expect(blobs(stage)).toHaveLength(1);
  });
});
