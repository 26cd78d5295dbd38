import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/domain/problem.ts';
import { answer, fileOf, inTurn, seededBytes, serve, sha256, type Behaviour } from './file-server.ts';
import { attempt, download, emptyStore, expectWhole, listener, server } from './shelf.ts';

const content = seededBytes(50_000, 3);
const file = fileOf(content);
const HALF = 25_000;

/** Fetches with half of the file there already. */
async function resume(behave: Behaviour) {
  const { store, dir } = await emptyStore();
  await mkdir(join(dir, 'partial'), { recursive: true });
  await writeFile(join(dir, 'partial', file.sha256), content.subarray(0, HALF));
  const files = await server(content, behave);
  const told = listener();
  const error: unknown = await store.fetch(file, download(files.url), told.io).catch((caught: unknown) => caught);
  return { store, files, error, ...told };
}

function problemIn(error: unknown): Problem | undefined {
  return (error as { problem?: Problem } | null | undefined)?.problem;
}

describe('A server that knows no ranges', () => {
  it('and sends all of it again adds only what was missing', async () => {
    const { store, error, files } = await resume(serve({ ranges: false }));
    expect(error).toBeUndefined();
    expect(files.arrived.map(({ from, sent }) => [from, sent])).toEqual([[HALF, content.length]]);
    await expectWhole(store, file, content);
  });

  it('gets on even if it is cut each time a little later', async () => {
    const cuts = [10_000, 20_000, 30_000, 40_000].map((cutAfter) => serve({ ranges: false, cutAfter }));
    const { store, error } = await attempt(content, file, inTurn(...cuts, serve({ ranges: false })), { options: { tuning: { tries: 2 } } });
    expect(error).toBeNull();
    await expectWhole(store, file, content);
  });

  it.each<readonly [string, Record<string, string>]>([
    ['another part than asked for', { 'content-range': `bytes 0-${content.length - 1}/${content.length}` }],
    ['a part without saying which', {}],
    ['a part that is described by nonsense', { 'content-range': 'bytes 17' }],
    ['a part of another length than it says', { 'content-range': `bytes ${HALF}-${HALF + 10}/${content.length}` }],
  ])('and sends %s is asked for the whole file', async (_, headers) => {
    const lie: Behaviour = ({ response }) =>
      void response.writeHead(206, { 'content-length': String(content.length), ...headers }).end(content);
    const { store, error, files } = await resume(inTurn(lie, serve()));
    expect(error).toBeUndefined();
    expect(files.arrived.map(({ from }) => from)).toEqual([HALF, null]);
    await expectWhole(store, file, content);
  });

  it.each([`bytes */${content.length}`, ''])('and answers 416 (%s) is asked for the whole file', async (range) => {
    const { store, error, files } = await resume(inTurn(answer(416, range === '' ? {} : { 'content-range': range }), serve()));
    expect(error).toBeUndefined();
    expect(files.arrived.map(({ from }) => from)).toEqual([HALF, null]);
    await expectWhole(store, file, content);
  });
});

describe('Another file than was pinned', () => {
  it.each<readonly [string, Behaviour]>([
    ['a longer one', ({ response }) => void response.end(Buffer.concat([content, content]))],
    ['a longer one whose length is not told', ({ response }) => (response.write(content), void response.end(content))],
    ['a shorter one', ({ response }) => void response.end('short')],
    ['one that is shorter than what is here', answer(416, { 'content-range': 'bytes */17' })],
    ['a part of a longer one', answer(206, { 'content-range': `bytes ${HALF}-99999/100000`, 'content-length': '75000' })],
  ])('is told from it by its size, without a second try: %s', async (_, behave) => {
    const { error, files } = await resume(behave);
    expect(problemIn(error)).toMatchObject({
      code: 'download-wrong-size',
      summary: expect.stringMatching(
        /^hf:desk\/tiny@1a2b3c4 file\.gguf is not what was pinned: 127\.0\.0\.1:\d+ .* than the 50000 of the lock/,
      ) as string,
    });
    expect(files.arrived).toHaveLength(1);
  });

  it('of the same size is told by its digest, after exactly one more try from the first byte', async () => {
    const other = seededBytes(content.length, 4);
    const { store, error, files, notes } = await attempt(other, file, serve());
    expect(problemIn(error)).toMatchObject({
      code: 'weights-corrupt-download',
      summary: `hf:desk/tiny@1a2b3c4 file.gguf arrived corrupt twice, and was thrown away: its SHA-256 is ${sha256(other)}, not ${file.sha256} as pinned.`,
      fix: expect.stringContaining('the same bytes came') as string,
    });
    expect(files.arrived.map(({ from }) => from)).toEqual([null, null]);
    expect(notes).toEqual([expect.stringContaining('is corrupt')]);
    expect(await store.find(file)).toBeNull();
    expect(await store.partialBytes(file)).toBe(0);
  });
});

describe('Bytes that were damaged', () => {
  it('on the way are fetched again, all of them', async () => {
    const damaged = Buffer.from(content);
    damaged[40_000]! ^= 1;
    const { store, error, files } = await attempt(
      content,
      file,
      inTurn(({ response }) => void response.end(damaged), serve()),
    );
    expect(error).toBeNull();
    expect(files.arrived.map(({ from }) => from)).toEqual([null, null]);
    await expectWhole(store, file, content);
  });

  it('on disk after an earlier run are noticed, because what lies on disk is what is hashed', async () => {
    const { store, dir } = await emptyStore();
    await mkdir(join(dir, 'partial'), { recursive: true });
    await writeFile(join(dir, 'partial', file.sha256), Buffer.alloc(HALF));
    const files = await server(content);
    await store.fetch(file, download(files.url), listener().io);
    expect(files.arrived.map(({ from }) => from)).toEqual([HALF, null]);
    await expectWhole(store, file, content);
  });
});

describe('A server that has troubles', () => {
  it.each([500, 502, 503, 504, 408])('and answers %i is asked again', async (status) => {
    const { store, error, notes } = await attempt(content, file, inTurn(answer(status), answer(status), serve()));
    expect(error).toBeNull();
    expect(notes.filter((note) => note !== '')).toHaveLength(2);
    expect(notes.at(-1)).toBe('');
    expect(notes[0]).toMatch(new RegExp(`127\\.0\\.0\\.1:\\d+ answers ${status}; trying again in .* s, from 0 bytes on\\.$`));
    await expectWhole(store, file, content);
  });

  it.each<readonly [string, () => string]>([
    ['in seconds', () => '1'],
    ['as a date', () => new Date(Date.now() + 1500).toUTCString()],
  ])('and says when to come back (%s) is left alone so long', async (_, after) => {
    const at: number[] = [];
    const timed =
      (behave: Behaviour): Behaviour =>
      (exchange) => (at.push(performance.now()), behave(exchange));
    const tooMany: Behaviour = (exchange) => answer(429, { 'retry-after': after() })(exchange);
    const { error } = await attempt(content, file, inTurn(timed(tooMany), timed(serve())));
    expect(error).toBeNull();
    // A date has whole seconds, so up to one of them is lost.
    expect(at[1]! - at[0]!).toBeGreaterThan(400);
  });

  it('is waited for with a count that goes down', async () => {
    const { error, notes } = await attempt(content, file, inTurn(answer(503, { 'retry-after': '2' }), serve()));
    expect(error).toBeNull();
    expect(notes.map((note) => /trying again in (\d) s/.exec(note)?.[1] ?? note)).toEqual(['2', '1', '']);
  });

  it('and wants to be left alone for longer than anybody waits is told with what it asks', async () => {
    const { error, files } = await attempt(content, file, answer(429, { 'retry-after': '3600' }), {
      download: { tokenVariable: 'HF_TOKEN' },
    });
    expect(problemIn(error)).toMatchObject({
      code: 'download-too-often',
      summary: expect.stringContaining('was asked too often (429). It asks to be left alone for 60 min.') as string,
      fix: expect.stringContaining('set HF_TOKEN') as string,
    });
    expect(files.arrived).toHaveLength(1);
  });

  it('and says nothing any more is left, and asked anew for the rest', async () => {
    const behave = inTurn(serve({ stallAfter: 12_000 }), ({ request }) => void request.resume(), serve());
    const { store, error, files, notes } = await attempt(content, file, behave, { options: { tuning: { stallMs: 1000 } } });
    expect(error).toBeNull();
    expect(files.arrived.map(({ from }) => from)).toEqual([null, 12_000, 12_000]);
    expect(notes[0]).toContain('sends nothing any more; trying again');
    await expectWhole(store, file, content);
  });

  it('and is slow, but never silent for long, is waited for', async () => {
    const { error, files } = await attempt(
      content.subarray(0, 4000),
      fileOf(content.subarray(0, 4000)),
      serve({ pieceBytes: 130, pauseMs: 60 }),
      {
        options: { tuning: { stallMs: 1500 } },
      },
    );
    expect(error).toBeNull();
    expect(files.arrived).toHaveLength(1);
  });

  it('and is not there at all is named', async () => {
    const free = createServer();
    const port = await new Promise<number>((resolve) => free.listen(0, '127.0.0.1', () => resolve((free.address() as AddressInfo).port)));
    await new Promise((resolve) => free.close(resolve));
    const { store } = await emptyStore({ tuning: { tries: 2 } });
    await expect(store.fetch(file, download(`http://127.0.0.1:${port}/x`), listener().io)).rejects.toMatchObject({
      problem: {
        code: 'download-failed',
        summary: expect.stringContaining(`127.0.0.1:${port} does not accept connections, 2 times`) as string,
      },
    });
  });

  it('and does not speak HTTP is named', async () => {
    const { error } = await attempt(content, file, ({ request }) => void request.socket.end('SSH-2.0-OpenSSH_9.2\r\n\r\n'), {
      options: { tuning: { tries: 2 } },
    });
    expect(problemIn(error)?.summary).toContain('does not speak HTTP');
  });
});

describe('An answer that no further try would change', () => {
  const token = { authorization: 'Bearer hf_canary0123456789' };

  it.each<readonly [number, Record<string, string>, string, RegExp, RegExp]>([
    [401, {}, 'download-not-allowed', /answers 401, and no token was sent/, /^Set HF_TOKEN to a token/],
    [403, {}, 'download-not-allowed', /answers 403, and no token was sent/, /^Set HF_TOKEN to a token/],
    [401, token, 'download-not-allowed', /the token in HF_TOKEN is not accepted/, /set HF_TOKEN/],
    [403, token, 'download-not-allowed', /the token in HF_TOKEN has no access/, /Ask for access/],
    [404, {}, 'download-not-found', /is not there: .* answers 404/, /if it is private, set HF_TOKEN/],
    [410, token, 'download-not-found', /answers 410/, /Check the name;/],
    [400, {}, 'download-failed', /answers 400/, /Check the address/],
  ])('%i with headers %o is told at once, with what to do', async (status, headers, code, summary, fix) => {
    const { error, files } = await attempt(content, file, answer(status), { download: { headers, tokenVariable: 'HF_TOKEN' } });
    const problem = problemIn(error);
    expect(problem?.code).toBe(code);
    expect(problem?.summary).toMatch(summary);
    expect(problem?.fix).toMatch(fix);
    expect(files.arrived).toHaveLength(1);
  });

  it('is a web page: that of a login, say', async () => {
    const { store, error, files } = await resume(answer(200, { 'content-type': 'text/html; charset=utf-8' }, '<html>Sign in</html>'));
    expect(problemIn(error)).toMatchObject({
      code: 'download-web-page',
      summary: expect.stringMatching(/127\.0\.0\.1:\d+ sends a web page \(text\/html\) instead of the file/) as string,
    });
    expect(files.arrived).toHaveLength(1);
    expect(await store.partialBytes(file)).toBe(HALF);
  });

  it.each([
    '<html>Sign in</html>',
    '\n  <!DOCTYPE html>\n<title>Sign in</title>',
    '\ufeff<!doctype html><p>',
    '<HEAD><meta http-equiv="refresh">',
  ])('is a web page that is sent as if it were the file: %j', async (page) => {
    const sent: Behaviour = ({ response }) => void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(page);
    for (const { store, error, files, kept } of [
      { ...(await resume(sent)), kept: HALF },
      { ...(await attempt(content, file, sent)), kept: 0 },
    ]) {
      expect(problemIn(error)).toMatchObject({
        code: 'download-web-page',
        summary: expect.stringMatching(/127\.0\.0\.1:\d+ sends a web page instead of the file/) as string,
      });
      expect(files.arrived).toHaveLength(1);
      expect(await store.partialBytes(file)).toBe(kept);
    }
  });

  it('is a file in another coding than was asked for', async () => {
    const { error, files } = await attempt(content, file, answer(200, { 'content-encoding': 'gzip' }, 'x'));
    expect(files.arrived[0]?.headers['accept-encoding']).toBe('identity');
    expect(problemIn(error)?.summary).toContain('another coding (gzip)');
  });

  it('carries the reason that the server gives, made harmless, and never a secret', async () => {
    const said = (words: string) => attempt(content, file, answer(403, { 'x-error-message': words }), { download: { headers: token } });
    const [plain, hostile] = [await said('Access to desk/tiny is\trestricted.'), await said('your token is hf_canary0123456789')];
    expect(problemIn(plain.error)?.details).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+: Access to desk\/tiny is restricted\.$/)]);
    expect(JSON.stringify(problemIn(hostile.error))).not.toContain('canary');
  });
});
