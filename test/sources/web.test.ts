import { describe, expect, test } from 'vitest';
import { weightsDigest } from '../../src/domain/weights.ts';
import { sha256 } from './fake-hub.ts';
import { sendFile, sendJson, serve } from './server.ts';
import type { Server } from './server.ts';
import { fetcher, problemOfSource, resolve, weightsNamed } from './setup.ts';

const WEIGHTS = weightsNamed('model');

/** A server of files by path. Its ETags look like digests and are none. */
async function filesOf(files: Readonly<Record<string, Buffer>>): Promise<Server> {
  return await serve((request, response) => {
    const bytes = files[new URL(request.url ?? '', 'http://web').pathname];
    if (bytes === undefined) return response.writeHead(404, { 'content-type': 'text/html' }).end('<html>Not Found</html>');
    return sendFile(request, response, bytes, { etag: `"${sha256('another file')}"`, 'content-type': 'application/octet-stream' });
  });
}

describe('A file behind an address', () => {
  test('whose SHA-256 is declared is looked at and not fetched', async () => {
    const server = await filesOf({ '/models/Model-Q4_K_M.gguf': WEIGHTS });
    const url = `${server.origin}/models/Model-Q4_K_M.gguf`;
    expect(await resolve(url, { sha256: sha256(WEIGHTS).toUpperCase() })).toEqual({
      source: url,
      revision: null,
      quantization: 'Q4_K_M',
      origin: { kind: 'https', url },
      manifest: null,
      files: [{ path: 'Model-Q4_K_M.gguf', bytes: WEIGHTS.length, sha256: sha256(WEIGHTS) }],
      sha256: sha256(WEIGHTS),
      chatTemplate: sha256('{{ messages }}'),
      tokenizer: expect.stringMatching(/^[0-9a-f]{64}$/),
      license: null,
      facts: expect.objectContaining({ architecture: 'llama', name: 'model' }),
    });
    expect(server.seen).toHaveLength(1);
  });

  test('whose SHA-256 is not declared is fetched: an ETag is not believed', async () => {
    const server = await filesOf({ '/Model-Q4_K_M.gguf': WEIGHTS });
    const { fetchUnknown, asked } = fetcher();
    const locked = await resolve(`${server.origin}/Model-Q4_K_M.gguf`, { fetchUnknown });
    expect(locked).toMatchObject({ sha256: sha256(WEIGHTS), facts: { name: 'model' } });
    expect(locked.files).toEqual([{ path: 'Model-Q4_K_M.gguf', bytes: WEIGHTS.length, sha256: sha256(WEIGHTS) }]);
    expect(asked).toEqual([['Model-Q4_K_M.gguf', { url: `${server.origin}/Model-Q4_K_M.gguf`, headers: {}, tokenHint: null }]]);
  });

  test('is fetched where the server does not tell its size, and must then be the declared one', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200);
      response.write(WEIGHTS.subarray(0, 9));
      response.end(WEIGHTS.subarray(9));
    });
    const { fetchUnknown, asked } = fetcher();
    expect((await resolve(`${server.origin}/m.gguf`, { sha256: sha256(WEIGHTS), fetchUnknown })).files[0]?.bytes).toBe(WEIGHTS.length);
    expect(asked).toHaveLength(1);
    const problem = await problemOfSource(`${server.origin}/m.gguf?key=s3cret`, { sha256: sha256('x'), fetchUnknown });
    expect(problem.code).toBe('digest-mismatch');
    expect(JSON.stringify(problem)).not.toContain('s3cret');
  });

  test.each([
    ['/a/Model%20v2-Q8_0.gguf', 'Model v2-Q8_0.gguf', 'Q8_0'],
    ['/a/m%2F..%2Fx-Q8_0.gguf', 'm_.._x-Q8_0.gguf', 'Q8_0'],
    ['/download?id=7', 'download', 'Q4_K_M'],
    ['/100%/%zz', '%zz', 'Q4_K_M'],
    ['/a/..%5cx', '.._x', 'Q4_K_M'],
  ])('gets a plain name from its address: %s', async (path, name, quantization) => {
    const server = await serve((request, response) => sendFile(request, response, WEIGHTS));
    const locked = await resolve(`${server.origin}${path}`, { sha256: sha256(WEIGHTS) });
    expect(locked).toMatchObject({ origin: { url: `${server.origin}${path}` }, quantization });
    expect(locked.files[0]?.path).toBe(name);
  });

  test.each([
    ['/Model-UD-Q4_K_XL.gguf', 'UD-Q4_K_XL'],
    ['/Model-Q4_K_L.gguf', 'Q4_K_L'],
    ['/chat.gguf', 'UD-Q4_K_XL'],
    ['/chat.gguf', 'Q4_K_L'],
  ])('may be a mix that its header has no number for: %s as %s', async (path, quantization) => {
    const server = await serve((request, response) => sendFile(request, response, WEIGHTS));
    const locked = await resolve(`${server.origin}${path}`, { sha256: sha256(WEIGHTS), quantizations: [quantization] });
    expect(locked).toMatchObject({ quantization, facts: { quantization: 'Q4_K_M' } });
  });

  test('that is no GGUF and does not claim to be one has no facts', async () => {
    const server = await filesOf({ '/model.safetensors': Buffer.from('{"a":1}') });
    const locked = await resolve(`${server.origin}/model.safetensors`, { sha256: sha256('{"a":1}') });
    expect(locked).toMatchObject({ facts: null, chatTemplate: null, tokenizer: null, quantization: null });
  });

  test.each<[number, string, string]>([
    [404, 'address-not-found', 'There is no file at '],
    [410, 'address-not-found', 'There is no file at '],
    [401, 'source-refused', 'answers with status 401: "go away"'],
    [403, 'source-refused', 'answers with status 403: "go away"'],
    [451, 'source-refused', 'answers with status 451: "go away"'],
    [500, 'source-failing', 'fails with status 500: "go away"'],
  ])('that is answered with %i is %s', async (status, code, told) => {
    const server = await serve((_request, response) => sendJson(response, status, { error: 'go away' }));
    const problem = await problemOfSource(`${server.origin}/m.gguf?signature=s3cret`, { sha256: sha256('x') });
    expect(problem).toMatchObject({ code, summary: expect.stringContaining(told) });
    expect(JSON.stringify(problem)).not.toContain('s3cret');
  });

  test('with a password in it is refused, and the password is not told', async () => {
    const problem = await problemOfSource('https://someone:hunter2@files.example/m.gguf', { sha256: sha256('x') });
    expect(problem).toMatchObject({ code: 'secret-literal', summary: expect.stringContaining('https://files.example/m.gguf') });
    expect(JSON.stringify(problem)).not.toMatch(/hunter2|someone/);
  });
});

describe('A split model behind an address', () => {
  const parts = [1, 2].map((number) => weightsNamed(`part ${number}`));
  const paths = ['/m/Model-Q4_K_M-00001-of-00002.gguf', '/m/Model-Q4_K_M-00002-of-00002.gguf'];

  test('is all of its parts, which lie beside each other', async () => {
    const server = await filesOf({ [paths[0]!]: parts[0]!, [paths[1]!]: parts[1]! });
    const { fetchUnknown, asked } = fetcher();
    const digest = weightsDigest(
      parts.map((bytes) => ({ sha256: sha256(bytes) })),
      sha256,
    );
    const locked = await resolve(`${server.origin}${paths[0]}?a=1`, { fetchUnknown, sha256: digest });
    expect(locked).toMatchObject({ sha256: digest, facts: { name: 'part 1', tensorBytes: 64 } });
    expect(asked.map(([, { url }]) => url)).toEqual(paths.map((path) => `${server.origin}${path}?a=1`));
  });

  test('is named by its first part', async () => {
    expect(await problemOfSource(`https://files.example${paths[1]}`)).toMatchObject({
      code: 'weights-split',
      fix: 'Name the address of Model-Q4_K_M-00001-of-00002.gguf in `source`.',
    });
  });
});
