import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProblemError } from '../../src/domain/problem.ts';
import { readManifest } from '../../src/sources/manifest.ts';
import { only, startHub } from './fake-hub.ts';
import { sendJson } from './server.ts';
import { commit, problemOfSource, weightsNamed } from './setup.ts';

/** Text that a server could mean as a digest, or nearly. */
const digest = fc.oneof(fc.constant(`sha256:${'a'.repeat(64)}`), fc.constant(`sha256:${'A'.repeat(64)}`), fc.string(), fc.constant(null));
const layer = fc.oneof(
  fc.anything(),
  fc.record({
    mediaType: fc.constantFrom('application/vnd.ollama.image.model', 'application/vnd.ollama.image.template', 'x', 7),
    digest,
    size: fc.anything(),
  }),
);
const manifest = fc.oneof(
  fc.object(),
  fc.record({
    schemaVersion: fc.constantFrom(2, 1, '2'),
    config: fc.oneof(fc.anything(), layer),
    layers: fc.array(layer, { maxLength: 3 }),
  }),
);

test('Whatever a registry gives for a manifest is read or refused, and never a bug', () => {
  fc.assert(
    fc.property(manifest, (value) => {
      try {
        expect(readManifest(value, 'm').weights.sha256).toBe('a'.repeat(64));
      } catch (error) {
        expect(error).toBeInstanceOf(ProblemError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('Whatever a Hub gives for a repository is read or refused, and never a bug', async () => {
  let body: unknown = null;
  const hub = await startHub({
    repos: { 'a/b': { commits: { [commit('1')]: { 'b-Q4_K_M.gguf': weightsNamed('b') } }, refs: { main: commit('1') } } },
    meanwhile: only(/^\/api/, (_request, response) => sendJson(response, 200, body)),
  });
  const file = fc.oneof(
    fc.jsonValue(),
    fc.record({ rfilename: fc.constantFrom('b-Q4_K_M.gguf', 7, '..'), size: fc.jsonValue(), lfs: fc.jsonValue() }),
  );
  const info = fc.oneof(
    fc.jsonValue(),
    fc.record({
      sha: fc.constant(commit('1')),
      siblings: fc.oneof(fc.jsonValue(), fc.array(file, { maxLength: 3 })),
      cardData: fc.jsonValue(),
      tags: fc.jsonValue(),
    }),
  );
  await fc.assert(
    fc.asyncProperty(info, async (value) => {
      body = value;
      const fetchUnknown = async (): Promise<never> => {
        throw new ProblemError({ code: 'fetched', summary: 'it was to be fetched' });
      };
      expect((await problemOfSource('hf:a/b', { env: { HF_ENDPOINT: hub.origin }, fetchUnknown, limits: { attempts: 1 } })).code).toEqual(
        expect.any(String),
      );
    }),
    { numRuns: 150 },
  );
});
