import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, TRIAGED, triage } from './real/clients.ts';
import { isAlive, listening, valueOf } from './real/proc.ts';
import { EMBEDDED, LLAMA, makeRig, type Rig } from './real/rig.ts';

describe('A folder with weights and nothing else', () => {
  let rig: Rig;
  beforeAll(async () => (rig = await makeRig({ files: ['F16'] })));
  afterAll(() => rig.end());

  it('becomes a stack with init, which validates and plans one model to create', async () => {
    expect(await rig.ok('init')).toMatch(/Wrote .*llmops\.yaml: 1 model, on llama\.cpp/);
    expect(await rig.ok('validate')).toMatch(/valid: 1 model on 1 backend/);
    const plan = await rig.llmops('plan', '--detailed-exitcode');
    expect(plan.code).toBe(2);
    expect(plan.stdout).toContain('Plan: 1 to add, 0 to change, 0 to replace, 0 to destroy.');
    expect(rig.processes()).toEqual([]);
  });
});

describe.each([
  { backend: LLAMA, engine: 'llama-server' },
  { backend: EMBEDDED, engine: 'the embedded engine' },
])('The main job on $engine', ({ backend }) => {
  let rig: Rig;
  beforeAll(async () => (rig = await makeRig()));
  afterAll(() => rig.end());
  const url = () => rig.endpoint()?.url ?? '';

  it('serves the declared model, which answers as its maker promises', async () => {
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 512' }, backend);
    expect(await rig.ok('apply', '-y')).toMatch(/1 added\. Generation 1\./);
    expect(await triage(url())).toEqual(TRIAGED);
    expect(
      (
        await chat(url(), [
          { role: 'system', content: 'Answer with one word: the category of the ticket.' },
          { role: 'user', content: 'Where is my parcel?' },
        ])
      ).text,
    ).toBe('shipping');
  });

  it('plans nothing when nothing was changed, and applies nothing', async () => {
    const before = rig.engine().pid;
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
    expect(await rig.ok('apply', '-y')).toContain('No changes. Your models match llmops.yaml.');
    expect(rig.engine().pid).toBe(before);
  });

  it('plans a new context as that change alone, and the engine then runs with it', async () => {
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 1024' }, backend);
    const { changes, steps } = JSON.parse(await rig.ok('plan', '--json')) as {
      readonly changes: readonly {
        readonly model: string;
        readonly fields: readonly { readonly field: string; readonly from: unknown; readonly to: unknown }[];
      }[];
      readonly steps: readonly { readonly op: string }[];
    };
    expect(changes.map(({ model, fields }) => [model, fields.map(({ field, from, to }) => [field, from, to])])).toEqual([
      ['desk', [['context', 512, 1024]]],
    ]);
    expect(steps.map(({ op }) => op)).toEqual(['start', 'probe', 'publish', 'drain', 'stop', 'record']);
    expect(await rig.ok('apply', '-y')).toMatch(/1 changed\. Generation 2\./);
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
    const status = JSON.parse(await rig.ok('status', '--json')) as {
      readonly models: readonly { readonly settings: readonly { readonly field: string; readonly loaded?: unknown }[] }[];
    };
    expect(status.models[0]?.settings.find(({ field }) => field === 'context')).toMatchObject({
      desired: 1024,
      configured: 1024,
      loaded: 1024,
    });
    expect(await triage(url())).toEqual(TRIAGED);
  });

  it('tells it all in its history', async () => {
    const { generations } = JSON.parse(await rig.ok('history', '--json')) as {
      readonly generations: readonly { readonly outcome: string }[];
    };
    expect(generations.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded']);
  });

  it('listens on loopback alone, at the address that clients are told', () => {
    const port = Number(new URL(url()).port).toString(16).toUpperCase().padStart(4, '0');
    expect(listening(rig.engine().pid)).toEqual([`0100007F:${port}`]);
  });

  it('is gone after down, with every file of the user left', async () => {
    const { pid } = rig.engine();
    expect(await rig.ok('down', '-y')).toMatch(/1 stopped/);
    expect(rig.processes()).toEqual([]);
    expect(rig.endpoint()).toBeNull();
    await expect(fetch(`${url()}/health`)).rejects.toThrow();
    expect(isAlive(pid)).toBe(false);
    expect(readFileSync(join(rig.dir, 'llmops.yaml'), 'utf8')).toContain('context: 1024');
  });
});

describe('What llama-server itself says', () => {
  let rig: Rig;
  beforeAll(async () => (rig = await makeRig()));
  afterAll(() => rig.end());

  it('is what was declared: context, slots, alias and offload', async () => {
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 256, parallel: 3, kvCache: q8_0' });
    await rig.ok('apply', '-y');
    const props = (await (await fetch(`${rig.endpoint()?.url}/props`)).json()) as {
      readonly total_slots: number;
      readonly default_generation_settings: { readonly n_ctx: number };
    };
    expect([props.total_slots, props.default_generation_settings.n_ctx]).toEqual([3, 256]);
    const { data } = (await (await fetch(`${rig.endpoint()?.url}/v1/models`)).json()) as {
      readonly data: readonly { readonly id: string }[];
    };
    expect(data.map(({ id }) => id)).toEqual(['desk']);
    const { args } = rig.engine();
    expect([valueOf(args, '--alias'), valueOf(args, '--parallel'), valueOf(args, '--ctx-size'), valueOf(args, '--cache-type-k')]).toEqual([
      'desk',
      '3',
      '768',
      'q8_0',
    ]);
  });
});
