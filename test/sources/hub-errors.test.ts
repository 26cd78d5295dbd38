import { describe, expect, test } from 'vitest';
import type { Problem } from '../../src/domain/problem.ts';
import { hubProblem } from '../../src/sources/hub-errors.ts';
import { hubAccess } from '../../src/sources/token.ts';
import { only, startHub } from './fake-hub.ts';
import type { FakeHubOptions, FakeRepo } from './fake-hub.ts';
import { sendJson } from './server.ts';
import { commit, problemOfSource, resolve, weightsNamed } from './setup.ts';

const GUEST = 'hf_guestGuestGuestGuestGuestGuestGuest';
const MEMBER = 'hf_memberMemberMemberMemberMemberMemb';
const SOURCE = 'hf:acme/Model-GGUF';

const MODEL: FakeRepo = {
  commits: { [commit('a')]: { 'Model-Q4_K_M.gguf': weightsNamed('model') } },
  refs: { main: commit('a') },
};

async function hubOf(repo: Partial<FakeRepo>, more: Partial<FakeHubOptions> = {}) {
  const repos = { 'acme/Model-GGUF': { ...MODEL, ...repo } };
  return await startHub({ repos, tokens: [GUEST], members: [MEMBER], ...more });
}

/** No text of a problem may hold a token. */
function withoutTokens(problem: Problem): Problem {
  expect(JSON.stringify(problem)).not.toMatch(/hf_(guest|member|wrong)/);
  return problem;
}

describe('A gated repository', () => {
  test('lets in who was let in', async () => {
    const hub = await hubOf({ gated: true });
    const locked = await resolve(SOURCE, { env: { HF_ENDPOINT: hub.origin, HF_TOKEN: MEMBER } });
    expect(locked.facts).toMatchObject({ name: 'model' });
    expect(hub.cdn.seen[0]?.headers.authorization).toBeUndefined();
  });

  test('asks others for a token', async () => {
    const hub = await hubOf({ gated: true });
    expect(withoutTokens(await problemOfSource(SOURCE, { env: { HF_ENDPOINT: hub.origin } }))).toMatchObject({
      code: 'repository-gated',
      summary: 'acme/Model-GGUF is gated: its owner lets in who has accepted the conditions. Nothing was changed.',
      fix: `Accept the conditions on ${hub.origin}/acme/Model-GGUF, then set HF_TOKEN to a token of that account (or run: hf auth login).`,
    });
  });

  test('tells who has a token to accept the conditions', async () => {
    const hub = await hubOf({ gated: true });
    const problem = withoutTokens(await problemOfSource(SOURCE, { env: { HF_ENDPOINT: hub.origin, HF_TOKEN: GUEST } }));
    expect(problem.code).toBe('repository-gated');
    expect(problem.fix).toContain('with the account that the token belongs to');
  });
});

describe('A repository that is not to be seen', () => {
  test('is private or does not exist, for who has no token', async () => {
    const hub = await hubOf({ private: true });
    const problem = await problemOfSource(SOURCE, { env: { HF_ENDPOINT: hub.origin } });
    expect(problem).toMatchObject({
      code: 'repository-not-found',
      summary: `acme/Model-GGUF does not exist on ${hub.origin}, or is private. Nothing was changed.`,
      fix: expect.stringContaining('set HF_TOKEN'),
    });
    expect(await problemOfSource('hf:acme/Nothing', { env: { HF_ENDPOINT: hub.origin } })).toMatchObject({
      code: 'repository-not-found',
      summary: problem.summary.replace('Model-GGUF', 'Nothing'),
    });
  });

  test('does not exist or not for this token, for who has one', async () => {
    const hub = await hubOf({ private: true });
    expect(withoutTokens(await problemOfSource(SOURCE, { env: { HF_ENDPOINT: hub.origin, HF_TOKEN: GUEST } }))).toMatchObject({
      code: 'repository-not-found',
      summary: `acme/Model-GGUF does not exist on ${hub.origin}, or the token may not see it. Nothing was changed.`,
      fix: 'Check the name in `source`, and that the token belongs to an account with access.',
    });
    expect((await resolve(SOURCE, { env: { HF_ENDPOINT: hub.origin, HF_TOKEN: MEMBER } })).files).toHaveLength(1);
  });
});

test('A token that was not sent, because the mirror is not encrypted, is said to be so', () => {
  const access = hubAccess({ HF_ENDPOINT: 'http://mirror.example', HF_TOKEN: GUEST });
  const asked = { repo: 'acme/Model-GGUF', revision: null, file: null, access };
  const answer = { url: new URL('http://mirror.example/x'), bytes: Buffer.alloc(0) };
  for (const code of ['RepoNotFound', 'GatedRepo']) {
    const { problem } = hubProblem({ ...answer, status: 401, headers: { 'x-error-code': code } }, asked);
    expect(withoutTokens(problem).summary).toContain('(HF_TOKEN was not sent: http://mirror.example is not encrypted)');
  }
});

test('A token that the Hub does not know is told as such, also for a public repository', async () => {
  const hub = await hubOf({});
  const problem = withoutTokens(await problemOfSource(SOURCE, { env: { HF_ENDPOINT: hub.origin, HF_TOKEN: 'hf_wrongWrongWrong' } }));
  expect(problem).toMatchObject({ code: 'hub-token', fix: expect.stringContaining('HF_TOKEN') });
});

test('A revision that is not there is named', async () => {
  const hub = await hubOf({});
  expect(await problemOfSource(`${SOURCE}@v9`, { env: { HF_ENDPOINT: hub.origin } })).toMatchObject({
    code: 'revision-not-found',
    summary: 'acme/Model-GGUF has no branch, tag or commit v9. Nothing was changed.',
  });
});

test('A file that goes between the list and its reading is named', async () => {
  const gone = only(/\/resolve\//, (_request, response) =>
    sendJson(response, 404, { error: 'Entry not found' }, { 'x-error-code': 'EntryNotFound' }),
  );
  const hub = await hubOf({}, { meanwhile: gone });
  expect(await problemOfSource(SOURCE, { env: { HF_ENDPOINT: hub.origin } })).toMatchObject({
    code: 'file-not-in-repository',
    summary: 'acme/Model-GGUF has no file Model-Q4_K_M.gguf any more. Nothing was changed.',
  });
});

test('Whatever else the Hub refuses is passed on in its own words, but for what looks like a token', async () => {
  const disabled = only(/^\/api/, (_request, response) =>
    sendJson(response, 403, { error: `Access to this resource is disabled for ${GUEST} \u001b[31m\nBye` }),
  );
  const hub = await hubOf({}, { meanwhile: disabled });
  expect(withoutTokens(await problemOfSource(SOURCE, { env: { HF_ENDPOINT: hub.origin, HF_TOKEN: GUEST } }))).toMatchObject({
    code: 'source-refused',
    summary: `${hub.origin}/api/models/acme/Model-GGUF answers with status 403: "Access to this resource is disabled for hf_*** [31m Bye". Nothing was changed.`,
  });
});

describe('HF_HUB_OFFLINE', () => {
  test.each(['1', 'ON', 'yes', 'True'])('%s means that nothing is asked', async (value) => {
    const hub = await hubOf({});
    expect((await problemOfSource(SOURCE, { env: { HF_ENDPOINT: hub.origin, HF_HUB_OFFLINE: value } })).code).toBe('source-offline');
    expect(hub.seen).toHaveLength(0);
  });

  test('0 means nothing', async () => {
    const hub = await hubOf({});
    expect((await resolve(SOURCE, { env: { HF_ENDPOINT: hub.origin, HF_HUB_OFFLINE: '0' } })).files).toHaveLength(1);
  });
});
