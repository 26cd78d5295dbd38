import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { io, step } from '../../../test/contract/world.ts';
import { manifestOf, startRegistry, type FakeRegistryOptions } from '../../../test/sources/fake-registry.ts';
import type { StepIo } from '../../domain/backend.ts';
import type { InstanceSpec, ModelSpec } from '../../domain/desired.ts';
import { ProblemError } from '../../domain/problem.ts';
import { codeOf, useStage } from './fake/stage.ts';
import { fakeWeights, sha256 } from './fake/weights.ts';
import { fullName } from './names.ts';

const DESK = 'registry.ollama.ai/library/desk:8b';
const WEIGHTS = fakeWeights({ salt: 'desk' });
const NEWER = fakeWeights({ salt: 'newer' });
const file = { path: 'model.gguf', bytes: WEIGHTS.length, sha256: sha256(WEIGHTS) };
const stage = useStage();

/** An instance of a tag, pinned to a manifest and to the weights in it, which are to lie below the test's folder. */
function pinned(manifest: string, host = 'registry.ollama.ai', beside: readonly ('projector' | 'adapter')[] = []): InstanceSpec {
  const spec = stage.world.spec();
  const origin = { kind: 'ollama' as const, host, name: 'library/desk', tag: '8b' };
  const remote = { origin, manifest, files: [file], beside };
  const path = join(stage.world.dir, 'fetched.gguf');
  return { ...spec, fields: { ...spec.fields, digest: file.sha256 }, weights: { path, sha256: file.sha256, bytes: file.bytes, remote } };
}

/** Fetching as an apply does it; what was asked for is kept. */
function fetching(fails?: string): { readonly io: StepIo; readonly fetched: string[] } {
  const fetched: string[] = [];
  const fetch: StepIo['fetch'] = async (_, files) => {
    fetched.push(...files.map((each) => each.sha256));
    if (fails !== undefined) throw new ProblemError({ code: fails, summary: 'It is not there.' });
    writeFileSync(join(stage.world.dir, 'fetched.gguf'), WEIGHTS);
  };
  return { io: { ...io(), fetch }, fetched };
}

const pull = async (spec: InstanceSpec, over: StepIo) => stage.driver.perform.pull?.(step('pull', spec, { weights: spec.weights }), over);
const held = async () => {
  const observed = await stage.driver.observe(io().signal);
  return observed.status === 'reachable' ? observed.held : null;
};

describe('Weights that a pull cannot bring as they were pinned', () => {
  it('because the tag moved are fetched by their digest and handed over under the same name, and what is left behind is told', async () => {
    const spec = pinned(stage.fake.registry.publish(DESK, WEIGHTS, { system: 'From the registry.' }));
    stage.fake.registry.publish(DESK, NEWER);
    const { io: over, fetched } = fetching();
    expect(await pull(spec, over)).toMatch(/^desk:8b stands for something else now: the weights .* without template/);
    expect(fetched).toEqual([file.sha256]);
    expect(await held()).toEqual([spec.weights.remote?.manifest]);
    expect(stage.fake.names()).toEqual([`llmops/base:${spec.weights.remote?.manifest}`]);
    expect(await stage.world.serve(stage.driver, spec)).toMatchObject({ phase: 'serving', configured: { digest: file.sha256 } });
    expect(await pull(spec, over)).toBeNull();
    expect(fetched).toHaveLength(1);
  });

  it('because the tag is gone are, too', async () => {
    const { io: over } = fetching();
    expect(await pull(pinned('ab'.repeat(32)), over)).toMatch(/^there is no desk:8b in the registry any more/);
  });

  it('because the registry sends files itself are, too', async () => {
    const spec = pinned(stage.fake.registry.publish(DESK, WEIGHTS));
    stage.fake.registry.faults.set(fullName(DESK), { noRedirect: true });
    const { io: over, fetched } = fetching();
    expect(await pull(spec, over)).toContain('registry.ollama.ai sends files in a way that Ollama does not take');
    expect(fetched).toEqual([file.sha256]);
    expect(await held()).toEqual([spec.weights.remote?.manifest]);
  });

  it('and that the server has under another name are neither fetched nor sent', async () => {
    const spec = pinned(stage.fake.registry.publish(DESK, WEIGHTS));
    stage.fake.store.add(WEIGHTS, 'application/vnd.ollama.image.model');
    stage.fake.registry.publish(DESK, NEWER);
    stage.fake.registry.faults.set(fullName(DESK), { noRedirect: true }); // of the new ones
    const { io: over, fetched } = fetching();
    expect(await pull(spec, over)).toContain('were handed over');
    expect(fetched).toEqual([]);
    expect(stage.fake.requests.filter((request) => request.startsWith('POST /api/blobs/'))).toEqual([]);
  });

  it('are a clear error where the registry has not kept them', async () => {
    const spec = pinned(stage.fake.registry.publish(DESK, WEIGHTS));
    stage.fake.registry.publish(DESK, NEWER);
    await expect(pull(spec, fetching('download-not-found').io)).rejects.toMatchObject({
      problem: { code: 'weights-gone', fix: expect.stringContaining('llmops lock --upgrade chat') as string },
    });
    expect(stage.fake.names()).toEqual([]);
  });

  it('fail as the fetch does where that fails otherwise, and as the pull does where an adapter would be left behind', async () => {
    const manifest = stage.fake.registry.publish(DESK, WEIGHTS);
    stage.fake.registry.publish(DESK, NEWER);
    expect(await codeOf(pull(pinned(manifest), fetching('disk-full').io))).toBe('disk-full');
    const { io: over, fetched } = fetching();
    expect(await codeOf(pull(pinned(manifest, undefined, ['adapter']), over))).toBe('tag-moved');
    expect(fetched).toEqual([]);
    expect(await pull(pinned(manifest, undefined, ['projector']), over)).toContain('It reads text alone.');
  });
});

describe('Before a plan, weights that cannot be pulled', () => {
  const layers = (weights: Buffer) => ({ layers: [['model', weights] as const] });

  /** What the driver tells of weights that were pinned, with a registry that has the tag like this now. */
  async function told(now: Buffer, kept: readonly Buffer[], more: Partial<FakeRegistryOptions> = {}, missing = true) {
    const others = Object.fromEntries(kept.map((weights, index) => [`library/desk:kept-${index}`, layers(weights)]));
    const registry = await startRegistry({ models: { 'library/desk:8b': layers(now), ...others }, ...more });
    const manifest = sha256(Buffer.from(manifestOf(layers(WEIGHTS))));
    const { weights } = pinned(manifest, new URL(registry.origin).host);
    const remote = { ...weights.remote!, missing: missing ? [file] : [], ready: !missing, partialBytes: 0 };
    const artifact = { ...weights, source: 'ollama:desk:8b', gguf: null, remote };
    const model = { name: 'chat' } as ModelSpec;
    const found = await stage.driver.unpullable?.([{ model, artifact }], io().signal);
    return { found, key: manifest };
  }

  it('are none while the tag stands for what was pinned, and the registry redirects', async () => {
    expect((await told(WEIGHTS, [], { cdn: true })).found).toEqual([]);
  });

  it('are told with their reason: the tag moved, the registry sends files itself, it has not kept them', async () => {
    const moved = await told(NEWER, [WEIGHTS], { cdn: true });
    expect(moved.found).toEqual([{ key: moved.key, why: 'tag-moved', hasFiles: false }]);
    expect((await told(WEIGHTS, [])).found).toMatchObject([{ why: 'no-redirect' }]);
    expect((await told(NEWER, [])).found).toMatchObject([{ why: 'gone' }]);
    expect((await told(NEWER, [], {}, false)).found).toMatchObject([{ why: 'tag-moved' }]); // they are here
  });

  it('need not be fetched where the server has them', async () => {
    stage.fake.store.add(WEIGHTS, 'application/vnd.ollama.image.model');
    expect((await told(NEWER, [])).found).toMatchObject([{ why: 'tag-moved', hasFiles: true }]);
  });

  it('are not looked for where the registry does not answer: the pull finds out', async () => {
    expect((await told(NEWER, [], { meanwhile: (_, response) => Boolean(response.writeHead(500).end()) })).found).toEqual([]);
  });
});
