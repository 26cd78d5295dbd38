import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestFor } from '../../src/sources/index.ts';
import { hubAccess } from '../../src/sources/token.ts';
import { commit, problemIn } from './setup.ts';

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'llmops-token-'));
  const put = (folder: string, token: string): void => {
    mkdirSync(join(home, folder), { recursive: true });
    writeFileSync(join(home, folder, 'token'), token);
  };
  put('.cache/huggingface', 'hf_home\n');
  put('caches/huggingface', 'hf_xdg');
  put('hub', '  hf_hub \r\n');
  put('empty', '\n');
  writeFileSync(join(home, 'secret'), 'hf_path');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('The token for the Hub', () => {
  test.each<[string, Record<string, string>, string | null]>([
    ['HF_TOKEN', { HF_TOKEN: 'hf_one', HUGGING_FACE_HUB_TOKEN: 'hf_two' }, 'hf_one'],
    ['HUGGING_FACE_HUB_TOKEN, its former name', { HF_TOKEN: '', HUGGING_FACE_HUB_TOKEN: 'hf_two\n' }, 'hf_two'],
    ['a variable before a file', { HOME: '', HF_TOKEN: 'hf_one' }, 'hf_one'],
    ['the file that HF_TOKEN_PATH names', { HF_TOKEN_PATH: 'HOME/secret', HF_HOME: 'HOME/hub' }, 'hf_path'],
    ['the file in HF_HOME', { HF_HOME: 'HOME/hub' }, 'hf_hub'],
    ['the file in HF_HOME, with ~', { HF_HOME: '~/hub' }, 'hf_hub'],
    ['the file in XDG_CACHE_HOME', { XDG_CACHE_HOME: 'HOME/caches' }, 'hf_xdg'],
    ['the file in ~/.cache/huggingface', {}, 'hf_home'],
    ['none, from an empty file', { HF_HOME: 'HOME/empty' }, null],
    ['none, from a folder without one', { HF_HOME: 'HOME/nothing' }, null],
  ])('is %s', (_what, env, token) => {
    const real = Object.fromEntries(Object.entries({ HOME: 'HOME', ...env }).map(([key, value]) => [key, value.replace(/^HOME/, home)]));
    expect(hubAccess(real)).toEqual({ endpoint: 'https://huggingface.co', token, withheld: false });
  });

  test('is none where there is no home', () => {
    expect(hubAccess({}).token).toBeNull();
  });

  test.each(['hf_a b', 'hf_ä', 'Bearer hf_a', 'hf_\u0000'])('may not hold what no token holds: %j', async (token) => {
    const problem = await problemIn(() => hubAccess({ HF_TOKEN: token }));
    expect(problem.code).toBe('hub-token');
    expect(JSON.stringify(problem)).not.toContain(token);
  });
});

describe('The address of the Hub', () => {
  const HF_TOKEN = 'hf_one';

  test.each([
    ['https://hf-mirror.example', 'https://hf-mirror.example'],
    ['https://hf-mirror.example/', 'https://hf-mirror.example'],
    ['https://artifacts.example/api/huggingfaceml/models/', 'https://artifacts.example/api/huggingfaceml/models'],
    ['', 'https://huggingface.co'],
  ])('may be a mirror: %j', (HF_ENDPOINT, endpoint) => {
    expect(hubAccess({ HF_ENDPOINT, HF_TOKEN })).toEqual({ endpoint, token: HF_TOKEN, withheld: false });
  });

  test.each(['http://127.0.0.1:8080', 'http://localhost:80', 'http://[::1]:8080'])(
    'may be this machine, and gets the token: %s',
    (HF_ENDPOINT) => {
      expect(hubAccess({ HF_ENDPOINT, HF_TOKEN }).token).toBe(HF_TOKEN);
    },
  );

  test.each(['http://mirror.example', 'http://127.0.0.1.example', 'http://localhost.example', 'http://10.0.0.7'])(
    'gets no token in plain text: %s',
    (HF_ENDPOINT) => {
      expect(hubAccess({ HF_ENDPOINT, HF_TOKEN })).toEqual({ endpoint: HF_ENDPOINT, token: null, withheld: true });
      expect(
        requestFor({ kind: 'hf', repo: 'a/b', commit: commit('1') }, { path: 'c.gguf', sha256: '' }, { HF_ENDPOINT, HF_TOKEN }, []).headers,
      ).toEqual({});
    },
  );

  test.each(['hf-mirror.example', 'ftp://mirror.example', 'https://user:pass@mirror.example', 'https://mirror.example/?token=abc', '::'])(
    'must be one: %s',
    async (HF_ENDPOINT) => {
      const problem = await problemIn(() => hubAccess({ HF_ENDPOINT }));
      expect(problem.code).toBe('hub-endpoint');
      expect(JSON.stringify(problem)).not.toMatch(/pass@|abc/);
    },
  );
});
