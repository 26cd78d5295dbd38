import { describe, expect, test } from 'vitest';
import { weightsDigest } from '../../src/domain/weights.ts';
import { only, sha256, startHub } from './fake-hub.ts';
import type { FakeHubOptions, FakeRepo } from './fake-hub.ts';
import { commit, fetcher, problemOfSource, resolve, weightsNamed } from './setup.ts';

const OLD = weightsNamed('old');
const NEW = weightsNamed('new');

const QWEN: FakeRepo = {
  commits: {
    [commit('1')]: { 'Qwen-Q4_K_M.gguf': OLD, 'README.md': Buffer.from('# old') },
    [commit('2')]: { 'README.md': Buffer.from('# new'), 'Qwen-Q4_K_M.gguf': NEW, 'Qwen-Q8_0.gguf': weightsNamed('eight') },
  },
  refs: { main: commit('2'), 'v1.0': commit('1'), 'refs/pr/7': commit('1') },
  card: { license: 'apache-2.0' },
};

async function hubOf(repo: FakeRepo, more: Partial<FakeHubOptions> = {}) {
  const hub = await startHub({ repos: { 'acme/Qwen-GGUF': repo }, ...more });
  return { hub, env: { HF_ENDPOINT: hub.origin } };
}

describe('A source on the Hub', () => {
  test('is pinned to its commit, with size and digest of its file, and told from its header', async () => {
    const { env } = await hubOf(QWEN);
    expect(await resolve('hf:acme/Qwen-GGUF', { env })).toEqual({
      source: 'hf:acme/Qwen-GGUF',
      revision: null,
      quantization: 'Q4_K_M',
      origin: { kind: 'hf', repo: 'acme/Qwen-GGUF', commit: commit('2') },
      manifest: null,
      files: [{ path: 'Qwen-Q4_K_M.gguf', bytes: NEW.length, sha256: sha256(NEW) }],
      sha256: sha256(NEW),
      chatTemplate: sha256('{{ messages }}'),
      tokenizer: sha256('{"tokenizer.ggml.model":"gpt2","tokenizer.ggml.tokens":["a","b","c"]}'),
      license: 'apache-2.0',
      facts: expect.objectContaining({
        architecture: 'llama',
        name: 'new',
        contextTrained: 4096,
        layers: 2,
        vocabulary: 3,
        tensorBytes: 32,
      }),
    });
  });

  test.each<[string, string, string | null, string]>([
    ['a branch', 'hf:acme/Qwen-GGUF@main', null, '2'],
    ['a tag', 'hf:acme/Qwen-GGUF@v1.0', null, '1'],
    ['a commit', `hf:acme/Qwen-GGUF@${commit('1')}`, null, '1'],
    ['a short commit', 'hf:acme/Qwen-GGUF@1111111', null, '1'],
    ['a revision of its own key', 'hf:acme/Qwen-GGUF', 'v1.0', '1'],
    ['a pull request, whose name has slashes', 'hf:acme/Qwen-GGUF', 'refs/pr/7', '1'],
  ])('follows %s to a commit', async (_what, written, revision, digit) => {
    const { env } = await hubOf(QWEN);
    const locked = await resolve(written, { env, ...(revision !== null && { revision }) });
    expect(locked.origin).toMatchObject({ commit: commit(digit) });
    expect(locked.sha256).toBe(sha256(digit === '1' ? OLD : NEW));
    expect(locked.revision).toBe(revision ?? written.split('@')[1]);
  });

  test('can be one file of a folder, whatever its name', async () => {
    const { env } = await hubOf({ ...QWEN, commits: { [commit('2')]: { 'más/Qwen+é%.gguf': NEW, 'Qwen-Q4_K_M.gguf': OLD } } });
    const locked = await resolve('hf:acme/Qwen-GGUF/más/Qwen+é%.gguf', { env });
    expect(locked.files).toEqual([{ path: 'más/Qwen+é%.gguf', bytes: NEW.length, sha256: sha256(NEW) }]);
  });

  test('takes the parts of a split model in their order, and adds their tensors up', async () => {
    const parts = [1, 2, 3].map((number) => weightsNamed(`part ${number}`, { [`blk.${number}.weight`]: 8 * number }));
    const paths = parts.map((_, index) => `Q8_0/Qwen-Q8_0-0000${index + 1}-of-00003.gguf`);
    const { env, hub } = await hubOf({
      ...QWEN,
      commits: { [commit('2')]: Object.fromEntries([2, 0, 1].map((at) => [paths[at]!, parts[at]!])) },
    });
    const locked = await resolve('hf:acme/Qwen-GGUF', { env, quantizations: ['Q8_0'] });
    expect(locked.files.map(({ path }) => path)).toEqual(paths);
    expect(locked.sha256).toBe(
      weightsDigest(
        parts.map((bytes) => ({ sha256: sha256(bytes) })),
        sha256,
      ),
    );
    expect(locked.facts).toMatchObject({ name: 'part 1', tensorBytes: 32 + 64 + 96 });
    expect(hub.cdn.seen).toHaveLength(3);
  });

  test('of many parts costs little more than the header of the first', async () => {
    const data = Object.fromEntries(Array.from({ length: 4 }, (_, index) => [`blk.${index}.weight`, 250_000]));
    const parts = Array.from({ length: 8 }, (_, index) => weightsNamed(`part ${index}`, data));
    const files = Object.fromEntries(parts.map((bytes, index) => [`Qwen-Q4_K_M-0000${index + 1}-of-00008.gguf`, bytes]));
    const { env, hub } = await hubOf({ ...QWEN, commits: { [commit('2')]: files } });
    const locked = await resolve('hf:acme/Qwen-GGUF', { env });
    expect(locked.facts).toMatchObject({ name: 'part 0', tensorBytes: 8 * 4 * 1_000_000 });
    expect(hub.cdn.sent()).toBeLessThan(2_000_000 + 7 * 256 * 1024 + 20_000);
  });

  test('is told right where a later part has a long header, too', async () => {
    const many = Object.fromEntries(Array.from({ length: 6000 }, (_, index) => [`blk.${index}.ffn_gate_exps.weight`, 8]));
    const parts = [weightsNamed('first'), weightsNamed('later', many)];
    const files = Object.fromEntries(parts.map((bytes, index) => [`Qwen-Q4_K_M-0000${index + 1}-of-00002.gguf`, bytes]));
    const { env, hub } = await hubOf({ ...QWEN, commits: { [commit('2')]: files } });
    expect((await resolve('hf:acme/Qwen-GGUF', { env })).facts).toMatchObject({ name: 'first', tensorBytes: 32 + 6000 * 32 });
    expect(hub.cdn.seen).toHaveLength(3);
  });

  test('is the same entry, byte for byte, whenever the same is there', async () => {
    const { env } = await hubOf(QWEN);
    const shuffled = Object.fromEntries(Object.entries(QWEN.commits[commit('2')]!).toReversed());
    const { env: other } = await hubOf({ ...QWEN, commits: { [commit('2')]: shuffled } });
    const first = JSON.stringify(await resolve('hf:acme/Qwen-GGUF', { env }));
    expect(JSON.stringify(await resolve('hf:acme/Qwen-GGUF', { env }))).toBe(first);
    expect(JSON.stringify(await resolve('hf:acme/Qwen-GGUF', { env: other }))).toBe(first);
  });

  test.each<[string, Pick<FakeRepo, 'card' | 'tags'>, string | null]>([
    ['one', { card: { license: 'mit' } }, 'mit'],
    ['several', { card: { license: ['mit', 'apache-2.0'] } }, 'mit, apache-2.0'],
    ['one of its own', { card: { license: 'other', license_name: 'tongyi-qianwen' } }, 'tongyi-qianwen'],
    ['one that only a tag tells', { card: {}, tags: ['gguf', 'license:gemma'] }, 'gemma'],
    ['none', { card: {} }, null],
    ['one that is no text', { card: { license: { a: 1 } } }, null],
  ])('tells the license: %s', async (_what, more, license) => {
    const { env } = await hubOf({ ...QWEN, ...more });
    expect((await resolve('hf:acme/Qwen-GGUF', { env })).license).toBe(license);
  });
});

test.each(['mmproj-F16.gguf', 'mmproj/Qwen-mmproj-BF16.gguf'])('A repository with a projector says so: %s', async (path) => {
  const { env } = await hubOf({
    ...QWEN,
    commits: { [commit('2')]: { 'Qwen-Q4_K_M.gguf': NEW, [path]: OLD } },
    refs: { main: commit('2') },
  });
  expect(await resolve('hf:acme/Qwen-GGUF', { env })).toMatchObject({ beside: ['projector'], sha256: sha256(NEW) });
});

describe('The list of files', () => {
  test.each<[string, Partial<FakeHubOptions>]>([
    ['of a mirror that tells names only', { namesOnly: true }],
    ['of a mirror that tells names only, page by page', { namesOnly: true, pageSize: 2 }],
  ])('%s comes from the tree', async (_what, more) => {
    const files = { ...QWEN.commits[commit('2')], 'a/b.txt': Buffer.from('b'), 'a/c.txt': Buffer.from('c') };
    const { env, hub } = await hubOf({ ...QWEN, commits: { [commit('2')]: files } }, more);
    const locked = await resolve('hf:acme/Qwen-GGUF', { env });
    expect(locked.files).toEqual([{ path: 'Qwen-Q4_K_M.gguf', bytes: NEW.length, sha256: sha256(NEW) }]);
    const pages = hub.seen.filter(({ url }) => url?.includes(`/tree/${commit('2')}`));
    expect(pages).toHaveLength(more.pageSize === undefined ? 1 : 3);
  });

  test('that never ends is given up', async () => {
    const endless = only(/\/tree\//, (_request, response) => {
      response
        .writeHead(200, { 'content-type': 'application/json', link: '<https://huggingface.co/x?cursor=again>; rel="next"' })
        .end('[]');
    });
    const { env, hub } = await hubOf(QWEN, { namesOnly: true, meanwhile: endless });
    expect(await problemOfSource('hf:acme/Qwen-GGUF', { env })).toMatchObject({
      code: 'source-garbled',
      summary: expect.stringContaining('that ends'),
    });
    expect(hub.seen.length).toBeLessThan(250);
  });

  test.each(['../../etc/Q4_K_M.gguf', '/etc/Q4_K_M.gguf', 'a//Q4_K_M.gguf', 'a\\Q4_K_M.gguf', './Q4_K_M.gguf', 'a\nQ4_K_M.gguf'])(
    'may not name a file that leaves its folder or cannot be shown: %j',
    async (path) => {
      const { env } = await hubOf({ ...QWEN, commits: { [commit('2')]: { [path]: OLD, 'Qwen-Q8_0.gguf': NEW } } });
      expect((await resolve('hf:acme/Qwen-GGUF', { env })).files.map((file) => file.path)).toEqual(['Qwen-Q8_0.gguf']);
    },
  );

  test('of another commit than the one that was named is refused', async () => {
    const lying = only(/\/revision\//, (_request, response) => response.end(JSON.stringify({ sha: commit('3'), siblings: [] })));
    const { env } = await hubOf(QWEN, { meanwhile: lying });
    expect(await problemOfSource(`hf:acme/Qwen-GGUF@${commit('1')}`, { env })).toMatchObject({
      code: 'source-garbled',
      summary: expect.stringContaining('another commit'),
    });
  });
});

test('A file that git keeps itself is fetched, because the Hub does not tell its SHA-256', async () => {
  const { env } = await hubOf({ ...QWEN, inGit: ['Qwen-Q4_K_M.gguf'] });
  const { fetchUnknown, asked } = fetcher();
  const locked = await resolve('hf:acme/Qwen-GGUF', { env, fetchUnknown });
  expect(locked.files).toEqual([{ path: 'Qwen-Q4_K_M.gguf', bytes: NEW.length, sha256: sha256(NEW) }]);
  expect(locked.facts).toMatchObject({ name: 'new' });
  expect(asked).toEqual([
    [
      'Qwen-Q4_K_M.gguf',
      { url: `${env.HF_ENDPOINT}/acme/Qwen-GGUF/resolve/${commit('2')}/Qwen-Q4_K_M.gguf`, headers: {}, tokenHint: 'HF_TOKEN' },
    ],
  ]);
});

describe('What is declared', () => {
  test('is compared with what is there: another digest', async () => {
    const { env } = await hubOf(QWEN);
    expect((await resolve('hf:acme/Qwen-GGUF', { env, sha256: sha256(NEW).toUpperCase() })).sha256).toBe(sha256(NEW));
    const problem = await problemOfSource('hf:acme/Qwen-GGUF', { env, sha256: sha256(OLD) });
    expect(problem).toMatchObject({ code: 'digest-mismatch', expected: sha256(OLD), summary: expect.stringContaining(sha256(NEW)) });
  });

  test('is compared with what is there: a named file of another quantization', async () => {
    const { env } = await hubOf(QWEN);
    const problem = await problemOfSource('hf:acme/Qwen-GGUF/Qwen-Q8_0.gguf', { env, quantizations: ['Q4_K_M'] });
    expect(problem).toMatchObject({ code: 'quantization-mismatch', expected: 'Q4_K_M', summary: expect.stringContaining('Q8_0') });
  });
});
