import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { tinyGguf } from '../catalog/tiny.ts';
import { sha256 } from './fake-hub.ts';
import { sendFile, serve } from './server.ts';
import type { Handler, Server } from './server.ts';
import { problemOfSource, resolve } from './setup.ts';

const MB = 1_000_000;
const TOKENS = Array.from({ length: 130_000 }, (_, index) => `token${index}`);
const VOCABULARY = { 'general.architecture': 'llama', 'tokenizer.chat_template': '{{ a }}', 'tokenizer.ggml.tokens': TOKENS };
/** A header of 2.5 MB. */
const LONG_HEADER = tinyGguf({ metadata: VOCABULARY, tensors: {} });
/** What weights are made of here. */
const ZEROS = Buffer.alloc(MB);

/** A model as a publisher serves it: a header, and then much more. */
function modelOf(tensorBytes: number): { readonly head: Buffer; readonly size: number } {
  const head = tinyGguf({ metadata: VOCABULARY, tensors: { 'output.weight': 8 } }).subarray(0, -32);
  const huge = Buffer.from(head);
  // The one tensor is described last: name, dimensions, length, type, offset, then padding.
  huge.writeBigUInt64LE(BigInt(tensorBytes / 4), huge.indexOf('output.weight') + 'output.weight'.length + 4);
  return { head: huge, size: huge.length + tensorBytes };
}

/** Sends a file without having all of it, as fast as it is taken. */
function sendHuge(response: ServerResponse, { head, size }: ReturnType<typeof modelOf>): void {
  response.writeHead(200, { 'content-length': size });
  response.write(head);
  let left = size - head.length;
  const more = (): void => {
    while (left > 0) {
      left -= ZEROS.length;
      if (!response.write(ZEROS)) return void response.once('drain', more);
    }
    response.end();
  };
  more();
}

const DECLARED = { sha256: sha256('declared') };

async function facts(server: Server) {
  return (await resolve(`${server.origin}/Model-Q4_K_M.gguf`, DECLARED)).facts;
}

const rangesOf = (server: Server): readonly (string | undefined)[] => server.seen.map(({ headers }) => headers.range);

describe('Of remote weights', () => {
  test('the header is read by ranges, and nothing else of them', async () => {
    const { head, size } = modelOf(500 * MB);
    const server = await serve((request, response) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')!;
      const bytes = Buffer.concat([head, ZEROS, ZEROS]).subarray(Number(from), Number(to) + 1);
      response.writeHead(206, { 'content-range': `bytes ${from}-${Number(from) + bytes.length - 1}/${size}` }).end(bytes);
    });
    expect(await facts(server)).toMatchObject({ vocabulary: TOKENS.length, tensorBytes: 500 * MB });
    expect(rangesOf(server)).toEqual(['bytes=0-1999999', 'bytes=2000000-3999999']);
    expect(server.sent()).toBeLessThan(4.1 * MB);
  });

  test('a header that is sent in smaller ranges than asked for is put together', async () => {
    const server = await serve((request, response) => {
      const [, from] = /^bytes=(\d+)-/.exec(request.headers.range ?? '')!;
      const bytes = LONG_HEADER.subarray(Number(from), Number(from) + 700_001);
      response.writeHead(206, { 'content-range': `bytes ${from}-${Number(from) + bytes.length - 1}/${LONG_HEADER.length}` }).end(bytes);
    });
    expect(await facts(server)).toMatchObject({ vocabulary: TOKENS.length });
    expect(server.seen.length).toBeGreaterThan(3);
  });

  test('a server that does not know ranges is left after the header, not after the file', async () => {
    const model = modelOf(1000 * MB);
    const server = await serve((_request, response) => sendHuge(response, model));
    expect(await facts(server)).toMatchObject({ vocabulary: TOKENS.length, tensorBytes: 1000 * MB });
    expect(server.seen).toHaveLength(1);
    expect(server.sent()).toBeLessThan(30 * MB);
  });

  test('a server that does not know ranges and is cut off is read again from the beginning', async () => {
    const model = modelOf(8 * MB);
    const server = await serve((request, response) => {
      if (server.seen.length > 1) return sendHuge(response, model);
      response.writeHead(200, { 'content-length': model.size });
      return void response.write(model.head.subarray(0, 2_200_000), () => request.socket.destroy());
    });
    expect(await facts(server)).toMatchObject({ vocabulary: TOKENS.length, tensorBytes: 8 * MB });
    expect(rangesOf(server)).toEqual(['bytes=0-1999999', expect.stringMatching(/^bytes=2\d{6}-3999999$/)]);
  });

  test('a range that is cut off is asked for again from where it ended', async () => {
    const server = await serve((request, response) => {
      if (server.seen.length > 1) return sendFile(request, response, LONG_HEADER);
      response.writeHead(206, { 'content-range': `bytes 0-1999999/${LONG_HEADER.length}`, 'content-length': 2 * MB });
      return void response.write(LONG_HEADER.subarray(0, 1000), () => request.socket.destroy());
    });
    expect(await facts(server)).toMatchObject({ vocabulary: TOKENS.length });
  });

  test('fingerprints do not depend on how they came', async () => {
    const ranges = await serve((request, response) => sendFile(request, response, LONG_HEADER));
    const whole = await serve((_request, response) => response.writeHead(200, { 'content-length': LONG_HEADER.length }).end(LONG_HEADER));
    const [first, second] = await Promise.all([ranges, whole].map((server) => resolve(`${server.origin}/a.gguf`, DECLARED)));
    expect({ ...first, source: '', origin: null }).toEqual({ ...second, source: '', origin: null });
    expect(first?.tokenizer).toBe(sha256(`{"tokenizer.ggml.tokens":${JSON.stringify(TOKENS)}}`));
  });
});

describe('A server of files that does not do what it should', () => {
  const range =
    (text: string): Handler =>
    (_request, response) =>
      response.writeHead(206, { 'content-range': text }).end('GGUF');

  test.each<[string, Handler, string, string]>([
    ['gives another range', range('bytes 5-9/100'), 'source-garbled', 'answers with another range than it was asked for'],
    ['gives a range without a total', range('bytes 0-3/*'), 'source-garbled', 'answers with another range'],
    ['gives no range', (_request, response) => response.writeHead(206).end('GGUF'), 'source-garbled', 'answers with another range'],
    [
      'gives a web page as a part',
      (_request, response) =>
        response.writeHead(206, { 'content-range': 'bytes 0-3/100', 'content-type': 'text/html; charset=utf-8' }).end('<htm'),
      'source-garbled',
      'answers with a web page instead of a file',
    ],
    [
      'gives a web page',
      (_request, response) => response.writeHead(200, { 'content-type': 'text/html', 'content-length': 6 }).end('<html>'),
      'source-garbled',
      'answers with a web page instead of a file',
    ],
    ['gives an empty file', (request, response) => sendFile(request, response, Buffer.alloc(0)), 'weights-corrupt', 'it has 0 bytes'],
    [
      'gives something else',
      (request, response) => sendFile(request, response, Buffer.from('PK'.repeat(99))),
      'weights-corrupt',
      'does not begin with "GGUF"',
    ],
    ['gives a damaged file', (request, response) => sendFile(request, response, tinyGguf().subarray(0, -1)), 'weights-corrupt', 'cut off'],
    [
      'gives empty parts for ever',
      (_request, response) => response.writeHead(206, { 'content-range': 'bytes 0-0/100' }).end(),
      'source-cut-off',
      'cut its answer off',
    ],
  ])('%s', async (_what, handler, code, told) => {
    const server = await serve(handler);
    const problem = await problemOfSource(`${server.origin}/Model-Q4_K_M.gguf`, DECLARED);
    expect(problem).toMatchObject({ code, summary: expect.stringContaining(told) });
    expect(server.seen.length).toBeLessThan(4);
  });

  test('changes the file while it is read', async () => {
    const server = await serve((request: IncomingMessage, response) =>
      sendFile(request, response, server.seen.length === 1 ? LONG_HEADER : Buffer.concat([LONG_HEADER, LONG_HEADER])),
    );
    const problem = await problemOfSource(`${server.origin}/Model-Q4_K_M.gguf`, DECLARED);
    expect(problem).toMatchObject({ code: 'source-garbled', summary: expect.stringContaining(`and ${LONG_HEADER.length} were expected`) });
  });
});
