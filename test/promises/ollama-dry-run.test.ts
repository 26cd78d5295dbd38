import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { worldOn } from '../../src/backends/ollama/fake/conformance.ts';
import { FakeOllama } from '../../src/backends/ollama/fake/server.ts';
import { fakeWeights } from '../../src/backends/ollama/fake/weights.ts';
import { io, step } from '../contract/world.ts';
import { userOf } from '../ollama/user.ts';
import { makePlace, weights, type Place } from './stack.ts';

/** Ollama reads with one POST; every other one changes something there. */
const isRead = (request: string): boolean => /^(GET|HEAD) /.test(request) || request === 'POST /api/show';

const DRY = [
  ['validate'],
  ['plan'],
  ['plan', '--json'],
  ['plan', '--destroy'],
  ['plan', '--refresh-only'],
  ['diff'],
  ['status'],
  ['status', '-o', 'wide'],
  ['doctor'],
];

describe('A dry run on an Ollama server is dry', () => {
  let fake: FakeOllama;
  let place: Place;
  beforeAll(async () => {
    fake = await FakeOllama.start();
    fake.registry.publish('desk:8b', fakeWeights());
    await userOf(fake.url).post('/api/pull', { model: 'desk:8b' });
    await userOf(fake.url).post('/api/generate', { model: 'desk:8b', stream: false });
    place = await makePlace();
    await place.write(
      'llmops.yaml',
      `version: 1
name: dry
allowOutside: true
backends:
  box: { type: ollama, url: ${fake.url} }
models:
  chat: { backend: box, source: "file:${weights('Q4_K_M')}", context: 256 }
`,
    );
  });
  afterAll(async () => {
    await fake.end();
    await place.remove();
  });

  it.each(DRY.map((args) => [args.join(' '), args] as const))('llmops %s sends no request that changes', async (_, args) => {
    const before = fake.requests.length;
    const ended = await place.llmops(args);
    expect([0, 1], `${ended.stdout}${ended.stderr}`).toContain(ended.code);
    expect(ended.stderr).not.toContain('internal');
    expect(fake.requests.slice(before).filter((request) => !isRead(request))).toEqual([]);
  });

  it('and is not blind: a plan sees what somebody else has in memory there', async () => {
    const { stdout } = await place.llmops(['plan', '--json']);
    expect((JSON.parse(stdout) as { foreign: unknown[] }).foreign).toEqual([
      expect.objectContaining({ model: 'desk:8b', endpoint: fake.url }),
    ]);
  });
});

it('Observing and looking send no request that changes, whatever there is to be seen', async () => {
  const fake = await FakeOllama.start();
  const world = await worldOn(fake);
  const [driver, spec] = [world.connect(), world.spec()];
  await world.serve(driver, spec);
  await driver.perform.publish?.(step('publish', spec, {}), io());
  const user = userOf(fake.url);
  await user.post('/api/create', { model: 'mine', from: 'chat', system: 'Mine.', stream: false });
  await world.serve(world.connect({ stateDir: `${world.dir}/theirs` }), spec);
  await user.post('/api/generate', { model: 'mine', options: { num_ctx: 99 }, stream: false });
  const before = fake.requests.length;
  const fresh = world.connect();
  await fresh.observe(io().signal);
  await fresh.look(spec.id, io().signal);
  await fresh.look('nobody-000000000000', io().signal);
  await fresh.tend?.();
  const sent = fake.requests.slice(before);
  expect(sent.length).toBeGreaterThan(8);
  expect(sent.filter((request) => !isRead(request))).toEqual([]);
  await world.end();
});
