import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { polling } from '../../../src/source/git/watch.ts';
import { folder, found, gitAt, open, repository, type Opening } from './repositories.ts';

/** Watches a source, and waits until it calls back after something was done. */
async function watching(
  remote: string,
  opening: Opening,
): Promise<{ after(act: () => void): Promise<void>; calls(): number; close(): Promise<void> }> {
  let count = 0;
  let wake = (): void => {};
  const { close } = await (
    await open(remote, opening)
  ).watch(() => {
    count += 1;
    wake();
  });
  onTestFinished(close);
  const after = (act: () => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      act();
    });
  return { after, calls: () => count, close };
}

describe('Watching a repository of this machine', () => {
  it('notices a commit, packed references and a branch that is made again, with no poll', async () => {
    const upstream = repository();
    const file = join(upstream.dir, 'llmops.yaml');
    const watched = await watching('.', { file });
    const source = await open('.', { file });
    await watched.after(() => upstream.commit({ one: '1' }));
    expect(await found(source)).toMatchObject({ id: upstream.head() });
    await watched.after(() => upstream.git('pack-refs', '--all'));
    await watched.after(() => upstream.commit({ two: '2' }));
    await watched.after(() => upstream.git('branch', '-q', '-m', 'main', 'other'));
    await watched.after(() => upstream.git('branch', '-q', '-m', 'other', 'main'));
    expect(await found(source)).toMatchObject({ id: upstream.head() });
  });

  it('notices a branch in a folder that is not there yet, and a push to a bare repository', async () => {
    const upstream = repository();
    const bare = join(folder(), 'bare.git');
    gitAt(upstream.dir)('clone', '-q', '--bare', upstream.dir, bare);
    const watched = await watching(`file://${bare}`, { git: { branch: 'feature/one' } });
    await watched.after(() => upstream.git('push', '-q', bare, 'HEAD:refs/heads/feature/one'));
  });

  it('ends: nothing is called back afterwards', async () => {
    const upstream = repository();
    const watched = await watching(upstream.dir, { git: { pollMs: 1 } });
    await watched.after(() => undefined);
    await watched.close();
    const before = watched.calls();
    upstream.commit({ one: '1' });
    await new Promise((next) => setTimeout(next, 50));
    expect(watched.calls()).toBe(before);
  });

  it('polls what is not there', async () => {
    const watched = await watching('ssh://git@models.example/x', { git: { pollMs: 1 } });
    await watched.after(() => undefined);
    const gone = await watching(join(folder(), 'gone'), { git: { pollMs: 1 } });
    await gone.after(() => undefined);
  });
});

describe('A poll', () => {
  it('comes a fifth earlier or later, and for ever', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const times: number[] = [];
    const chances = [0, 1, 0.5];
    const begin = Date.now();
    const stop = polling(
      1000,
      () => chances.shift() ?? 0.5,
      () => times.push(Date.now() - begin),
    );
    vi.advanceTimersByTime(4000);
    stop();
    vi.advanceTimersByTime(4000);
    expect(times).toEqual([800, 2000, 3000, 4000]);
  });
});
