import { rmSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gitAt, folder, found, look, open, repository, TEXT, textOf, trouble, type Repository } from './repositories.ts';

/** As it is reached: by its path, and by an address that git treats like one of another machine. */
const WAYS = [
  ['by its path', (dir: string) => dir],
  ['by an address', (dir: string) => `file://${dir}`],
] as const;

function many(upstream: Repository, count: number): void {
  for (let n = 0; n < count; n += 1) upstream.git('commit', '-q', '--allow-empty', '-m', `${n}`);
}

describe.each(WAYS)('A branch that is followed %s', (_, addressOf) => {
  it('gives the files of its newest commit, and who made it', async () => {
    const upstream = repository({ 'llmops.yaml': TEXT, 'llmops.lock': 'lock: 1\n' });
    const source = await open(addressOf(upstream.dir));
    const first = await found(source);
    expect(first).toMatchObject({ id: upstream.head(), commit: upstream.head() });
    expect(first.about).toMatchObject({ subject: 'change the stack', author: 't <t@example.org>', signer: null });
    expect(new Date(first.about?.at ?? '').getTime()).not.toBeNaN();
    expect([textOf(first), Buffer.from(first.lock ?? []).toString()]).toEqual([TEXT, 'lock: 1\n']);
  });

  it('goes on by ordinary commits and merges without being called rewritten', async () => {
    const upstream = repository();
    many(upstream, 3);
    const source = await open(addressOf(upstream.dir));
    await found(source);
    for (const flags of [[], ['--allow-empty']]) {
      const commit = upstream.commit({ 'llmops.yaml': `${TEXT}# ${flags.length}\n` }, ...flags);
      expect(await found(source)).toMatchObject({ id: commit });
      expect(await found(source)).not.toHaveProperty('rewritten');
    }
    upstream.git('checkout', '-q', '-b', 'side', 'HEAD~3');
    upstream.commit({ side: 's' });
    upstream.git('checkout', '-q', 'main');
    upstream.git('merge', '-q', '-m', 'merge', 'side');
    const merged = await found(source);
    expect(merged.id).toBe(upstream.head());
    expect(merged).not.toHaveProperty('rewritten');
  });

  it('goes on by more commits than are asked for at first', async () => {
    const upstream = repository();
    const source = await open(addressOf(upstream.dir));
    await found(source);
    many(upstream, 60);
    const next = await found(source);
    expect(next.id).toBe(upstream.head());
    expect(next).not.toHaveProperty('rewritten');
  });

  it('is told to be rewritten once by a forced push, with both commits', async () => {
    const upstream = repository();
    many(upstream, 2);
    const source = await open(addressOf(upstream.dir));
    const { id: from } = await found(source);
    upstream.git('reset', '-q', '--hard', 'HEAD~1');
    const to = upstream.commit({ 'llmops.yaml': `${TEXT}# other\n` });
    expect((await found(source)).rewritten).toEqual({ from, to });
    expect(await found(source)).not.toHaveProperty('rewritten');
  });

  it('is rewritten by going back, and not by coming forward again', async () => {
    const upstream = repository();
    many(upstream, 3);
    const source = await open(addressOf(upstream.dir));
    const { id: newest } = await found(source);
    upstream.git('reset', '-q', '--hard', 'HEAD~2');
    expect((await found(source)).rewritten).toEqual({ from: newest, to: upstream.head() });
    upstream.git('reset', '-q', '--hard', newest);
    const again = await found(source);
    expect(again.id).toBe(newest);
    expect(again).not.toHaveProperty('rewritten');
  });

  it('is rewritten by a rebase', async () => {
    const upstream = repository();
    const base = upstream.head();
    upstream.commit({ mine: 'm' });
    const source = await open(addressOf(upstream.dir));
    const { id: from } = await found(source);
    upstream.git('checkout', '-q', '-b', 'next', base);
    upstream.commit({ theirs: 't' });
    upstream.git('checkout', '-q', 'main');
    upstream.git('rebase', '-q', 'next');
    expect((await found(source)).rewritten).toEqual({ from, to: upstream.head() });
  });

  it('is rewritten by a root without a past', async () => {
    const upstream = repository();
    const source = await open(addressOf(upstream.dir));
    const { id: from } = await found(source);
    upstream.git('checkout', '-q', '--orphan', 'fresh');
    const to = upstream.commit({ 'llmops.yaml': `${TEXT}# fresh\n` });
    upstream.git('branch', '-q', '-M', 'fresh', 'main');
    expect((await found(source)).rewritten).toEqual({ from, to });
  });

  it('is refused while it is rewritten, where it must go on', async () => {
    const upstream = repository();
    const first = upstream.head();
    const second = upstream.commit({ two: '2' });
    const source = await open(addressOf(upstream.dir), { git: { requireFastForward: true } });
    await found(source);
    upstream.git('reset', '-q', '--hard', first);
    const rewritten = upstream.commit({ other: 'o' });
    for (let times = 0; times < 2; times += 1) {
      expect(await look(source)).toMatchObject({ kind: 'refused', commit: rewritten, problem: { code: 'git-not-fast-forward' } });
    }
    upstream.git('reset', '-q', '--hard', second);
    const mended = upstream.commit({ three: '3' });
    expect(await found(source)).toMatchObject({ id: mended });
  });

  it('is missed when it is deleted, and found when it is made again', async () => {
    const upstream = repository();
    const source = await open(addressOf(upstream.dir));
    const { id } = await found(source);
    upstream.git('checkout', '-q', '-b', 'other');
    upstream.git('branch', '-q', '-D', 'main');
    expect(await trouble(source)).toMatchObject({ kind: 'unavailable', code: 'git-branch-gone' });
    upstream.git('checkout', '-q', '-b', 'main');
    expect(await found(source)).toMatchObject({ id });
  });

  it('tells what became of a commit that an earlier process saw', async () => {
    const upstream = repository();
    const seen = upstream.commit({ a: '1' });
    many(upstream, 60);
    expect(await found(await open(addressOf(upstream.dir), { seen }))).not.toHaveProperty('rewritten');
    upstream.git('reset', '-q', '--hard', `${seen}~1`);
    const to = upstream.commit({ b: '2' });
    expect((await found(await open(addressOf(upstream.dir), { seen }))).rewritten).toEqual({ from: seen, to });
  });

  it('has SHA-256 names in a repository of these', async () => {
    const upstream = repository(undefined, '--object-format=sha256');
    const source = await open(addressOf(upstream.dir));
    expect((await found(source)).id).toMatch(/^[0-9a-f]{64}$/);
    const next = upstream.commit({ 'llmops.yaml': `${TEXT}#\n` });
    expect(await found(source)).toMatchObject({ id: next });
  });

  it('can be that of a shallow clone', async () => {
    const upstream = repository();
    many(upstream, 5);
    const clone = join(folder(), 'clone');
    gitAt(upstream.dir)('clone', '-q', '--depth=2', `file://${upstream.dir}`, clone);
    const source = await open(addressOf(clone));
    await found(source);
    const git = gitAt(clone);
    git('commit', '-q', '--allow-empty', '-m', 'local');
    const next = await found(source);
    expect(next.id).toBe(git('rev-parse', 'HEAD'));
    expect(next).not.toHaveProperty('rewritten');
  });
});

describe('A remote', () => {
  it('that is away is unavailable with the words of git, and used again when it is back', async () => {
    const upstream = repository();
    const source = await open(upstream.dir);
    const { id } = await found(source);
    renameSync(upstream.dir, `${upstream.dir}-away`);
    const away = await trouble(source);
    renameSync(`${upstream.dir}-away`, upstream.dir);
    expect(away).toMatchObject({ kind: 'unavailable', code: 'git-unavailable' });
    expect(away.summary).toContain('does not appear to be a git repository');
    expect(away.summary).not.toContain('\n');
    expect(await found(source)).toMatchObject({ id });
  });

  it('can change the kind of its names', async () => {
    const upstream = repository();
    const source = await open(upstream.dir);
    await found(source);
    rmSync(join(upstream.dir, '.git'), { recursive: true });
    upstream.git('init', '-q', '-b', 'main', '--object-format=sha256');
    const next = upstream.commit({});
    expect(await found(source)).toMatchObject({ id: next, rewritten: { to: next } });
  });
});
