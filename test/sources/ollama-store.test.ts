import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { resolveStored } from '../../src/sources/index.ts';
import { sha256 } from './fake-hub.ts';
import { CONFIG, manifestOf, startRegistry, type FakeModel } from './fake-registry.ts';
import { modelOf, problemIn, resolve, weightsNamed } from './setup.ts';

const folder = mkdtempSync(join(tmpdir(), 'llmops-ollama-store-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WEIGHTS = weightsNamed('qwen');
const QWEN: FakeModel = {
  layers: [
    ['model', WEIGHTS],
    ['template', Buffer.from('{{ .Prompt }}')],
    ['license', Buffer.from('Apache License\nVersion 2.0\n')],
  ],
};

function put(path: string, bytes: Buffer): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), bytes);
}

/** As a server keeps what it pulled from that host. */
function store(host: string): string {
  const manifest = Buffer.from(manifestOf(QWEN));
  put(join('manifests', host, 'acme/qwen/8b'), manifest);
  for (const [, bytes] of QWEN.layers) put(`blobs/sha256-${sha256(bytes)}`, bytes);
  const config = CONFIG;
  put(`blobs/sha256-${sha256(config)}`, config);
  return sha256(manifest);
}

describe("A server's own store", () => {
  test('gives the very entry that its registry would give', async () => {
    const registry = await startRegistry({ models: { 'acme/qwen:8b': QWEN } });
    const source = `ollama:${registry.host}/acme/qwen:8b`;
    const digest = store(registry.host);
    expect(await resolveStored(modelOf(source), digest, { folder })).toEqual(await resolve(source));
  });

  test('tells nothing of a tag that stands for another manifest by now, or that is not there', async () => {
    const digest = store('127.0.0.1:1');
    expect(await resolveStored(modelOf('ollama:127.0.0.1:1/acme/qwen:8b'), digest.replace(/^./, 'g'), { folder })).toBeNull();
    expect(await resolveStored(modelOf('ollama:127.0.0.1:1/acme/qwen:9b'), digest, { folder })).toBeNull();
    expect(await resolveStored(modelOf('hf:acme/qwen'), digest, { folder })).toBeNull();
  });

  test.each([
    ['weights', WEIGHTS],
    ['configuration', CONFIG],
  ])('tells nothing of a tag whose %s cannot be read, so that its registry is asked', async (_, bytes) => {
    const digest = store('127.0.0.1:1');
    rmSync(join(folder, 'blobs', `sha256-${sha256(bytes)}`));
    expect(await resolveStored(modelOf('ollama:127.0.0.1:1/acme/qwen:8b'), digest, { folder })).toBeNull();
  });

  test('tells nothing of a tag whose configuration was damaged', async () => {
    const digest = store('127.0.0.1:1');
    put(`blobs/sha256-${sha256(CONFIG)}`, Buffer.from('{'));
    expect(await resolveStored(modelOf('ollama:127.0.0.1:1/acme/qwen:8b'), digest, { folder })).toBeNull();
  });

  test('is held to what llmops.yaml declares', async () => {
    const digest = store('127.0.0.1:1');
    const model = modelOf('ollama:127.0.0.1:1/acme/qwen:8b', { sha256: '0'.repeat(64) });
    expect(await problemIn(() => resolveStored(model, digest, { folder }))).toMatchObject({ code: 'digest-mismatch' });
  });
});
