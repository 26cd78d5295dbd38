import { describe, expect, test } from 'vitest';
import type { Origin } from '../../src/domain/weights.ts';
import { requestFor } from '../../src/sources/index.ts';
import { commit } from './setup.ts';

const SHA = 'f'.repeat(64);
const HUB: Origin = { kind: 'hf', repo: 'acme/Model-GGUF', commit: commit('c') };

function urlOf(origin: Origin, path: string, insecureRegistries: readonly string[] = []): string {
  return requestFor(origin, { path, sha256: SHA }, {}, insecureRegistries).url;
}

describe('A pinned file is asked for', () => {
  test('on the Hub by its commit, with the token in a header', () => {
    const env = { HF_TOKEN: 'hf_secret' };
    expect(requestFor(HUB, { path: 'Q4 K/Möd#el?.gguf', sha256: SHA }, env, [])).toEqual({
      url: `https://huggingface.co/acme/Model-GGUF/resolve/${commit('c')}/Q4%20K/M%C3%B6d%23el%3F.gguf`,
      headers: { authorization: 'Bearer hf_secret' },
      tokenHint: 'HF_TOKEN',
    });
  });

  test('on the Hub without a token where there is none', () => {
    expect(requestFor(HUB, { path: 'a.gguf', sha256: SHA }, {}, [])).toMatchObject({ headers: {}, tokenHint: 'HF_TOKEN' });
  });

  test('on a mirror at whose path', () => {
    const { url } = requestFor(HUB, { path: 'a.gguf', sha256: SHA }, { HF_ENDPOINT: 'https://mirror.example/hub/' }, []);
    expect(url).toBe(`https://mirror.example/hub/acme/Model-GGUF/resolve/${commit('c')}/a.gguf`);
  });

  test.each([
    ['https://files.example/a/Model.gguf?key=1', 'Model.gguf', 'https://files.example/a/Model.gguf?key=1'],
    ['https://files.example/a/M-00001-of-00002.gguf', 'M-00001-of-00002.gguf', 'https://files.example/a/M-00001-of-00002.gguf'],
    ['https://files.example/a/M-00001-of-00002.gguf?v=1', 'M-00002-of-00002.gguf', 'https://files.example/a/M-00002-of-00002.gguf?v=1'],
    ['https://files.example/a/download', 'download', 'https://files.example/a/download'],
    ['https://files.example/M%20x-00001-of-00002.gguf', 'M x-00002-of-00002.gguf', 'https://files.example/M%20x-00002-of-00002.gguf'],
  ])('behind an address as it stands there: %s, %s', (url, path, asked) => {
    expect(requestFor({ kind: 'https', url }, { path, sha256: SHA }, { HF_TOKEN: 'hf_secret' }, [])).toEqual({
      url: asked,
      headers: {},
      tokenHint: null,
    });
  });

  test.each([
    ['registry.ollama.ai', [], 'https'],
    ['hf.co', [], 'https'],
    ['127.0.0.1:5000', [], 'http'],
    ['localhost:5000', [], 'http'],
    ['localhost', [], 'http'],
    ['registry.lan:5000', [], 'https'],
    ['registry.lan:5000', ['registry.lan:5001', 'lan:5000'], 'https'],
    ['registry.lan:5000', ['registry.lan:5000'], 'http'],
    ['Registry.LAN:5000', ['registry.lan:5000'], 'http'],
    ['registry.lan:5000', ['registry.lan'], 'https'],
    ['registry.lan', ['registry.lan:5000'], 'https'],
    ['localhost.example', [], 'https'],
    ['127.0.0.1.example', [], 'https'],
  ])('in the registry %s, with %j allowed without encryption, over %s', (host, insecure, scheme) => {
    expect(urlOf({ kind: 'ollama', host, name: 'library/qwen3', tag: 'latest' }, 'qwen3.gguf', insecure)).toBe(
      `${scheme}://${host}/v2/library/qwen3/blobs/sha256:${SHA}`,
    );
  });
});
