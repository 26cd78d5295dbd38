import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { instancesOf, io, step, World } from '../contract/world.ts';
import { userOf } from '../ollama/user.ts';
import { resolve } from '../sources/setup.ts';
import { sha256, startDockerRegistry, type DockerRegistry } from './docker-registry.ts';
import { realOllama, startOllama, WEIGHTS, type RealOllama } from './ollama-server.ts';
import { tinyProjector } from './projector.ts';

const weights = readFileSync(join(WEIGHTS, 'desk-F16.gguf'));
/** One black pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPj/HwADAgH/p9F1WQAAAABJRU5ErkJggg==';

let registry: DockerRegistry;
let server: RealOllama;
let world: World;
beforeAll(async () => {
  [registry, server] = await Promise.all([
    // Ollama asks every answer of a blob for a Location and fails without one.
    startDockerRegistry({ headers: { Location: ['#'] } }),
    startOllama(),
  ]);
  world = await World.open({ ...realOllama, server: () => Promise.resolve(server) });
});
afterAll(async () => {
  await world.end();
  await registry.stop();
});

it('A tag with a projector is pinned by its manifest, comes whole, and its model sees: Ollama pulls what goes beside weights', async () => {
  const projector = tinyProjector();
  const config = { model_format: 'gguf', model_family: 'llama', model_families: ['llama', 'clip'], file_type: 'F16' };
  const layers = [
    ['model', weights],
    ['projector', projector],
  ] as const;
  const manifest = await registry.push('me/desk', 'sees', { layers, config });
  const locked = await resolve(`ollama:${registry.host}/me/desk:sees`);
  expect(locked).toMatchObject({ manifest, sha256: sha256(weights), beside: ['projector'] });

  const driver = world.connect();
  const given = world.spec({ context: 1024 }, join(WEIGHTS, 'desk-F16.gguf'));
  const { origin, files } = locked;
  const spec = {
    ...given,
    weights: { path: '', sha256: locked.sha256, bytes: weights.length, remote: { origin: origin!, manifest, files } },
  };
  await driver.perform.pull?.(step('pull', spec, { weights: spec.weights }), io());
  expect(await driver.observe(io().signal)).toMatchObject({ held: [manifest] });

  expect(await world.serve(driver, spec)).toMatchObject({ phase: 'serving', configured: { digest: locked.sha256 } });
  const [copy = ''] = await server.copies();
  const user = userOf(server.url);
  expect((await user.post('/api/show', { model: copy }))['capabilities']).toContain('vision');
  const seen = { role: 'user', content: 'What is this?', images: [PIXEL] };
  const options = { num_predict: 4 };
  expect(await user.post('/api/chat', { model: copy, messages: [seen], stream: false, options })).toMatchObject({ done: true });
  expect(instancesOf(await driver.observe(io().signal))).toHaveLength(1);
});
