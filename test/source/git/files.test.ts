import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, found, look, open, repository, TEXT, textOf, trouble } from './repositories.ts';

const TOO_LARGE = 16 * 2 ** 20 + 1;
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12\n`;

const textIn = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());

/** What goes wrong by reading a file of a state. */
async function refusal(reading: Promise<unknown>): Promise<string> {
  return reading.then(
    () => 'read',
    (error: { problem?: { code: string } }) => error.problem?.code ?? String(error),
  );
}

describe('Files of a commit', () => {
  it('are those of the folder that llmops.yaml lies in', async () => {
    const upstream = repository({
      'llmops.yaml': 'not this\n',
      'stacks/home/llmops.yaml': TEXT,
      'stacks/home/prompts/a.txt': 'a',
      'secret.txt': 's',
    });
    const source = await open('.', { file: join(upstream.dir, 'stacks/home/llmops.yaml') });
    const revision = await found(source);
    expect([textOf(revision), revision.lock]).toEqual([TEXT, null]);
    expect(textIn(await revision.read('prompts/a.txt'))).toBe('a');
    expect(textIn(await revision.read('./prompts/../prompts/a.txt'))).toBe('a');
    expect(await revision.read('prompts/b.txt')).toBeNull();
    for (const path of ['../../secret.txt', '/etc/passwd', '..', '', '.', 'prompts/../../../secret.txt', 'a\0b']) {
      expect(await refusal(revision.read(path)), path).toBe('git-path-outside');
    }
    expect(await refusal(revision.read('prompts'))).toBe('git-file-unreadable');
  });

  it('can lie elsewhere than here', async () => {
    const upstream = repository({ 'a/b.yaml': TEXT, 'a/b.lock': 'l' });
    const revision = await found(await open(upstream.dir, { git: { path: 'a/b.yaml' } }));
    expect([textOf(revision), textIn(revision.lock)]).toEqual([TEXT, 'l']);
  });

  it('are the bytes that were committed, whatever the repository wants to have done to them', async () => {
    const marker = join(folder(), 'ran');
    const bytes = Buffer.from([0xff, 0, 0x0a, 0xc3]);
    const upstream = repository({ 'llmops.yaml': TEXT, 'raw.bin': bytes, 'end.txt': 'a\nb\n', '* [x]?.txt': 'odd' });
    upstream.git('config', 'filter.evil.smudge', `touch ${marker}`);
    upstream.git('config', 'diff.evil.textconv', `touch ${marker}`);
    upstream.commit({ '.gitattributes': '* filter=evil diff=evil text eol=crlf\n' });
    const revision = await found(await open(upstream.dir));
    expect(await revision.read('raw.bin')).toEqual(bytes);
    expect(textIn(await revision.read('end.txt'))).toBe('a\nb\n');
    expect(textIn(await revision.read('* [x]?.txt'))).toBe('odd');
    expect(existsSync(marker)).toBe(false);
  });

  it('still can be read of a state that the branch has left', async () => {
    const upstream = repository({ 'llmops.yaml': TEXT, 'p.txt': 'old' });
    const source = await open(upstream.dir);
    const old = await found(source);
    upstream.commit({ 'p.txt': 'new' });
    const next = await found(source);
    expect([textIn(await old.read('p.txt')), textIn(await next.read('p.txt'))]).toEqual(['old', 'new']);
  });

  it('may be links inside the commit, and none out of it', async () => {
    const upstream = repository({ 'shared/llmops.yaml': TEXT, 'shared/p.txt': 'p', 'home/x': '' });
    const links = {
      'home/llmops.yaml': '../shared/llmops.yaml',
      'home/all': '../shared',
      'home/out': '/etc/passwd',
      'home/up': '../../x',
      'home/loop': 'loop',
    };
    for (const [path, to] of Object.entries(links)) symlinkSync(to, join(upstream.dir, path));
    upstream.commit({});
    const revision = await found(await open(upstream.dir, { git: { path: 'home/llmops.yaml' } }));
    expect(textOf(revision)).toBe(TEXT);
    expect(textIn(await revision.read('all/p.txt'))).toBe('p');
    for (const path of ['out', 'up', 'loop']) expect(await refusal(revision.read(path)), path).toBe('git-file-unreadable');
  });

  it('are no pointers of LFS, no submodules, and not too large', async () => {
    const upstream = repository({ 'llmops.yaml': TEXT, 'lfs.txt': POINTER, huge: Buffer.alloc(TOO_LARGE) });
    upstream.git('update-index', '--add', '--cacheinfo', `160000,${upstream.head()},sub`);
    upstream.git('commit', '-q', '-m', 'sub');
    const revision = await found(await open(upstream.dir));
    expect(await refusal(revision.read('lfs.txt'))).toBe('git-file-unreadable');
    expect(await refusal(revision.read('sub'))).toBe('git-file-unreadable');
    expect(await refusal(revision.read('sub/a.txt'))).toBe('git-file-unreadable');
    expect(await refusal(revision.read('huge'))).toBe('git-file-too-large');
  });

  it('are missed by commit and path where there is no llmops.yaml', async () => {
    const upstream = repository({ other: 'o' });
    const problem = await trouble(await open(upstream.dir));
    expect(problem).toMatchObject({ kind: 'unavailable', code: 'git-no-stack-file' });
    expect(problem.summary).toContain(upstream.head().slice(0, 7));
    expect(problem.summary).toContain('llmops.yaml');
  });

  it('are refused where llmops.yaml is too large, and used again when it is mended', async () => {
    const upstream = repository({ 'llmops.yaml': Buffer.alloc(TOO_LARGE, '#') });
    const source = await open(upstream.dir);
    expect(await trouble(source)).toMatchObject({ kind: 'unavailable', code: 'git-file-too-large' });
    const mended = upstream.commit({ 'llmops.yaml': TEXT });
    expect(await found(source)).toMatchObject({ id: mended });
  });

  it('come with words of the commit that no terminal obeys', async () => {
    const upstream = repository();
    upstream.git('commit', '-q', '--allow-empty', '-m', `\u001b[31mred\u0007 ${'x'.repeat(500)}`);
    const { about } = await found(await open(upstream.dir));
    expect(about?.subject).toMatch(/^\[31mred x{50}/);
    expect(about?.subject.length).toBeLessThan(320);
  });
});

describe('The mirror', () => {
  it('is for nobody else to read', async () => {
    const upstream = repository();
    const mirrorDir = join(folder(), 'mirror');
    await found(await open(upstream.dir, { mirrorDir }));
    expect(statSync(mirrorDir).mode & 0o777).toBe(0o700);
  });

  it('is made anew when it is damaged, in whatever way', async () => {
    const upstream = repository();
    const mirrorDir = join(folder(), 'mirror');
    const mirror = join(mirrorDir, 'repo.git');
    const source = await open(upstream.dir, { mirrorDir });
    await found(source);
    const damages = [
      () => rmSync(mirror, { recursive: true }),
      () => rmSync(join(mirror, 'HEAD')),
      () => rmSync(join(mirror, 'objects'), { recursive: true }),
      () => writeFileSync(join(mirror, 'config'), '[core\n'),
      () => writeFileSync(join(mirror, 'refs/llmops/head'), 'nothing'),
      () => writeFileSync(join(mirror, 'shallow.lock'), ''),
      () => writeFileSync(join(mirror, 'refs/llmops/head.lock'), ''),
      () => packsOf(mirror).forEach((pack) => cut(pack)),
    ];
    for (const [index, damage] of damages.entries()) {
      damage();
      const commit = upstream.commit({ 'llmops.yaml': `${TEXT}# ${index}\n` });
      const next = await found(source);
      expect(next.id, String(damage)).toBe(commit);
      expect(next, String(damage)).not.toHaveProperty('rewritten');
    }
    expect(readdirSync(mirrorDir)).toEqual(['repo.git', 'seen']);
  });

  it('is made anew when a file in it is gone, without a new commit', async () => {
    const upstream = repository();
    const mirrorDir = join(folder(), 'mirror');
    const { id } = await found(await open(upstream.dir, { mirrorDir }));
    packsOf(join(mirrorDir, 'repo.git')).forEach((pack) => cut(pack));
    expect(await found(await open(upstream.dir, { mirrorDir }))).toMatchObject({ id });
  });

  it('that cannot be written is a problem of its own', async () => {
    const upstream = repository();
    const mirrorDir = join(folder(), 'mirror');
    const source = await open(upstream.dir, { mirrorDir });
    rmSync(mirrorDir, { recursive: true });
    writeFileSync(mirrorDir, 'a file');
    expect(await trouble(source)).toMatchObject({ kind: 'unavailable', code: 'git-mirror-unwritable' });
  });

  it('is put together from time to time', async () => {
    const upstream = repository();
    const mirrorDir = join(folder(), 'mirror');
    const source = await open(upstream.dir, { mirrorDir });
    for (let n = 0; n < 53; n += 1) {
      upstream.git('commit', '-q', '--allow-empty', '-m', `${n}`);
      await found(source);
    }
    expect(packsOf(join(mirrorDir, 'repo.git')).length).toBeLessThan(10);
  });

  it('changes nothing in the repository that is followed, nor runs its hooks', async () => {
    const upstream = repository();
    const ran = join(folder(), 'ran');
    for (const hook of ['reference-transaction', 'post-checkout', 'pre-auto-gc', 'post-index-change']) {
      const path = join(upstream.dir, '.git/hooks', hook);
      writeFileSync(path, `#!/bin/sh\necho ${hook} >> ${ran}\n`);
      chmodSync(path, 0o755);
    }
    const before = treeOf(upstream.dir);
    const source = await open('.', { file: join(upstream.dir, 'llmops.yaml') });
    await found(source);
    await look(source);
    expect(treeOf(upstream.dir)).toEqual(before);
    expect(existsSync(ran)).toBe(false);
  });
});

function packsOf(mirror: string): string[] {
  const dir = join(mirror, 'objects/pack');
  return readdirSync(dir)
    .filter((name) => name.endsWith('.pack'))
    .map((name) => join(dir, name));
}

/** Packs are written read-only. */
function cut(path: string): void {
  chmodSync(path, 0o600);
  truncateSync(path, 20);
}

/** Every file under a folder, with its time and content. */
function treeOf(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).toSorted();
  return names.map((name) => {
    const stats = statSync(join(dir, name));
    return `${name} ${stats.mtimeMs} ${stats.isFile() ? readFileSync(join(dir, name), 'base64') : ''}`;
  });
}
