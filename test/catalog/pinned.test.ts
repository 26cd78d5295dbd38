import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resolveArtifacts, type Pinned, type Resolved } from '../../src/catalog/index.ts';
import { compareDeclared } from '../../src/catalog/declared.ts';
import type { Artifact, Desired } from '../../src/domain/desired.ts';
import type { LockedModel, RemoteFile } from '../../src/domain/weights.ts';
import { modelOf } from '../plan/stack.ts';

const PARTS: readonly RemoteFile[] = [
  { path: 'Q4/big-00001-of-00002.gguf', bytes: 3, sha256: 'a1' },
  { path: 'Q4/big-00002-of-00002.gguf', bytes: 5, sha256: 'b2' },
];
const LOCKED: LockedModel = {
  source: 'hf:some/big',
  revision: null,
  quantization: 'Q4_K_M',
  origin: { kind: 'hf', repo: 'some/big', commit: 'c0ffee' },
  manifest: null,
  files: PARTS,
  sha256: 'dd',
  chatTemplate: null,
  tokenizer: null,
  license: null,
  facts: null,
};
const BIG = modelOf('big', { source: { kind: 'hf', repo: 'some/big', revision: null, file: null, written: 'hf:some/big' } });

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'llmops-pinned-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Resolves the pinned model where these files are here, by digest, and so many bytes of others. */
function resolve(here: Readonly<Record<string, string>>, partial: Readonly<Record<string, number>> = {}): Promise<Resolved> {
  const shelf: Pinned['shelf'] = {
    find: async ({ sha256 }) => here[sha256] ?? null,
    partialBytes: async ({ sha256 }) => partial[sha256] ?? 0,
    pathOf: () => join(root, 'models', 'big-00001-of-00002.gguf'),
  };
  const desired: Desired = {
    stack: 's',
    file: 'llmops.yaml',
    environment: null,
    revision: '',
    backends: [],
    models: [BIG],
    inert: [],
    places: {},
  };
  const options = { baseDir: root, cacheDir: root, signal: new AbortController().signal, progress: () => undefined };
  return resolveArtifacts(desired, { ...options, pinned: { locked: { big: LOCKED }, shelf } });
}

describe('A model whose weights are pinned', () => {
  test('is known whole before a byte of it is here: size, digest, where it comes from, where it will lie', async () => {
    const { artifacts, problems } = await resolve({});
    expect(problems).toEqual([]);
    expect(artifacts['big']).toEqual({
      source: 'hf:some/big',
      path: join(root, 'models', 'big-00001-of-00002.gguf'),
      bytes: 8,
      sha256: 'dd',
      gguf: null,
      remote: { origin: LOCKED.origin, manifest: null, files: PARTS, missing: PARTS, ready: false, partialBytes: 0 },
    });
  });

  test('lacks only the parts that are not here, and of those what an earlier run did not fetch', async () => {
    const { artifacts } = await resolve({ a1: '/elsewhere/a1' }, { b2: 4 });
    expect(artifacts['big']?.remote).toMatchObject({ missing: [PARTS[1]], ready: false, partialBytes: 4 });
  });

  test('is ready once an engine can open its parts side by side', async () => {
    const all = { a1: '/elsewhere/a1', b2: '/elsewhere/b2' };
    expect((await resolve(all)).artifacts['big']?.remote).toMatchObject({ missing: [], ready: false });
    mkdirSync(join(root, 'models'));
    writeFileSync(join(root, 'models', 'big-00001-of-00002.gguf'), 'abc');
    writeFileSync(join(root, 'models', 'big-00002-of-00002.gguf'), 'torn');
    expect((await resolve(all)).artifacts['big']?.remote?.ready).toBe(false);
    writeFileSync(join(root, 'models', 'big-00002-of-00002.gguf'), 'whole');
    expect((await resolve(all)).artifacts['big']?.remote?.ready).toBe(true);
  });
});

describe('A file of this machine that is pinned', () => {
  const model = modelOf('desk', { source: { kind: 'file', path: 'desk.gguf', written: 'file:desk.gguf' } });
  const artifact: Artifact = { source: 'file:desk.gguf', path: '/desk.gguf', bytes: 1, sha256: 'new', gguf: null };
  const pinnedAs = (sha256: string, source = 'file:desk.gguf'): LockedModel => ({ ...LOCKED, source, sha256, origin: null });

  test('is refused when it became another one, and is told how to take the new one', () => {
    const [finding] = compareDeclared(model, artifact, pinnedAs('old'));
    expect(finding).toMatchObject({ key: 'source', problem: { code: 'digest-mismatch', expected: 'old, as llmops.lock says' } });
    expect(finding?.problem.fix).toContain('llmops lock --upgrade desk');
  });

  test('is fine as long as it is the same, and when the pin is of another source', () => {
    expect(compareDeclared(model, artifact, pinnedAs('new'))).toEqual([]);
    expect(compareDeclared(model, artifact, pinnedAs('old', 'file:other.gguf'))).toEqual([]);
    expect(compareDeclared(model, artifact)).toEqual([]);
  });
});
