import { describe, expect, it } from 'vitest';
import type { Login } from '../../src/domain/login.ts';
import { ProblemError } from '../../src/domain/problem.ts';
import { answer, fileOf, seededBytes, serve, type Behaviour } from './file-server.ts';
import { attempt, expectWhole } from './shelf.ts';

const content = seededBytes(50_000, 3);
const file = fileOf(content);
const HALF = 25_000;

describe('A server that asks who is there', () => {
  const challenged: Behaviour = answer(401, { 'www-authenticate': 'Bearer realm="x"' });

  /** Answers with a new token as often as it is asked; each lets in `uses` times. */
  function doorman(limit: number): { readonly login: Login; readonly behave: (serving: Behaviour) => Behaviour } {
    let [given, left] = [0, 0];
    let headers: Login['headers'] = {};
    const login: Login = {
      get headers() {
        return headers;
      },
      answer: (_refusal, tries) => {
        if (tries > 0 || given === limit) return Promise.resolve(false);
        [given, left] = [given + 1, 1];
        headers = { authorization: `Bearer canary-${given}` };
        return Promise.resolve(true);
      },
      told: (host) => ({ why: `Nobody is known to ${host}.`, fix: 'Log in.' }),
      conceal: (text) => text.replaceAll(/canary-\d/g, '***'),
    };
    return {
      login,
      behave: (serving) => (exchange) => {
        const isLetIn = exchange.request.headers.authorization === `Bearer canary-${given}` && left > 0;
        left -= 1;
        return (isLetIn ? serving : challenged)(exchange);
      },
    };
  }

  it('is answered as often as it asks, and the download goes on where it was', async () => {
    const { login, behave } = doorman(9);
    const { store, error, files } = await attempt(content, file, behave(serve({ cutAfter: HALF })), { download: { login } });
    expect(error).toBeNull();
    expect(files.arrived.map(({ from, headers }) => [from, headers.authorization])).toEqual([
      [null, undefined],
      [null, 'Bearer canary-1'],
      [HALF, 'Bearer canary-1'],
      [HALF, 'Bearer canary-2'],
    ]);
    await expectWhole(store, file, content);
  });

  it('and does not take the answer is told with where a login was looked for, and without it', async () => {
    const { login } = doorman(1);
    const refuses = answer(403, { 'x-error-message': 'go away, canary-1' });
    const { error, files } = await attempt(content, file, refuses, { download: { login } });
    expect((error as ProblemError).problem).toMatchObject({
      code: 'download-not-allowed',
      summary: expect.stringMatching(/answers 403\. Nobody is known to \S+\. What was fetched before is kept\./) as string,
      fix: 'Log in.',
      details: [expect.stringContaining('go away, ***')],
    });
    expect(files.arrived).toHaveLength(2);
  });

  it('and cannot be answered because nobody gives the answer ends the download with that', async () => {
    const lost = new ProblemError({ code: 'source-unreachable', summary: 'tokens.example cannot be reached.' });
    const login: Login = { ...doorman(0).login, answer: () => Promise.reject(lost) };
    expect((await attempt(content, file, challenged, { download: { login } })).error).toBe(lost);
  });
});
