import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findServer } from './llama-server.ts';
import { steadyClient, TRIAGED, triage } from './real/clients.ts';
import { flat, LLAMA, makeRig, type Rig } from './real/rig.ts';

const GOOD = 'source: file:desk-F16.gguf, context: 512, rollout: { strategy: surge }';

let rig: Rig;
beforeAll(async () => {
  rig = await makeRig();
  const bytes = readFileSync(join(rig.dir, 'desk-Q8_0.gguf'));
  writeFileSync(join(rig.dir, 'cut.gguf'), bytes.subarray(0, bytes.length >> 1));
  writeFileSync(join(rig.dir, 'no.gguf'), 'not weights at all');
  writeFileSync(join(rig.dir, 'odd.gguf'), withoutTensor(bytes));
  writeFileSync(join(rig.dir, 'not-a-server'), '#!/bin/sh\necho "Hello"\n');
  writeFileSync(join(rig.dir, 'not-executable'), '#!/bin/sh\n');
  // Says what the real one says of itself, and dies when it is to serve.
  writeFileSync(
    join(rig.dir, 'dies'),
    `#!/bin/sh\ncase " $* " in *" --port "*) echo "GGML_ASSERT(ggml_can_mul_mat(a, b)) failed"; kill -ABRT $$ ;; esac\nexec ${findServer()} "$@"\n`,
  );
  for (const name of ['not-a-server', 'dies']) chmodSync(join(rig.dir, name), 0o755);
  await rig.declare({ desk: GOOD });
  await rig.ok('apply', '-y');
});
afterAll(() => rig.end());
afterEach(async () => {
  await rig.declare({ desk: GOOD });
  await rig.ok('apply', '-y');
});

/** The same file with a tensor renamed: whole to whoever reads its header, of no use to the engine. */
function withoutTensor(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.write('blk.3.attn_x.weight', copy.indexOf('blk.3.attn_q.weight'));
  return copy;
}

interface Fault {
  readonly fault: string;
  readonly model?: string;
  readonly backend?: string;
  readonly says: RegExp;
}

/** Found by the plan: nothing is even begun. */
const planned: readonly Fault[] = [
  { fault: 'weights that are cut off', model: 'source: file:cut.gguf, context: 512', says: /cut\.gguf/ },
  { fault: 'a file that is no weights', model: 'source: file:no.gguf, context: 512', says: /no\.gguf/ },
  { fault: 'weights that are not there', model: 'source: file:missing.gguf, context: 512', says: /missing\.gguf/ },
  {
    fault: 'a context beyond the trained one',
    model: 'source: file:desk-F16.gguf, context: 4096',
    says: /context of 4096 tokens; its weights were trained for 1024/,
  },
  {
    fault: 'a flag that this build does not know',
    model: 'source: file:desk-F16.gguf, context: 512, options: { args: [--no-such-flag] }',
    says: /does not know the flag --no-such-flag/,
  },
  {
    fault: 'a type of KV cache that it does not know',
    model: 'source: file:desk-F16.gguf, context: 512, kvCache: q9_9',
    says: /kvCache. is the text "q9_9"/,
  },
  {
    fault: 'a program that is not there',
    backend: '{ type: llama.cpp, engine: ./missing-server }',
    model: 'source: file:desk-F16.gguf, context: 256',
    says: /missing-server/,
  },
  {
    fault: 'a program that may not be executed',
    backend: '{ type: llama.cpp, engine: ./not-executable }',
    model: 'source: file:desk-F16.gguf, context: 256',
    says: /not-executable/,
  },
  {
    fault: 'a program that is something else',
    backend: '{ type: llama.cpp, engine: ./not-a-server }',
    model: 'source: file:desk-F16.gguf, context: 256',
    says: /not-a-server/,
  },
];

/** Found by the engine alone: a new copy is begun beside the old one. */
const begun: readonly Fault[] = [
  {
    fault: 'weights that lack a tensor',
    model: 'source: file:odd.gguf, context: 512',
    says: /could not load the model|damaged|missing tensor/,
  },
  {
    fault: 'a value that it refuses',
    model: 'source: file:desk-F16.gguf, context: 512, options: { args: [--rope-scaling, sideways] }',
    says: /--rope-scaling/,
  },
  {
    fault: 'an engine that crashes as it loads',
    backend: '{ type: llama.cpp, engine: ./dies }',
    model: 'source: file:desk-F16.gguf, context: 256',
    says: /crashed: GGML_ASSERT/,
  },
];

async function declareFault({ model = GOOD, backend = LLAMA }: Fault): Promise<void> {
  await rig.declare({ desk: model.includes('rollout') ? model : `${model}, rollout: { strategy: surge }` }, backend);
}

describe('A change that cannot work is found by the plan, and the copy that serves is left alone:', () => {
  it.each(planned)('$fault', async (fault) => {
    const { pid } = rig.engine();
    await declareFault(fault);
    const plan = await rig.llmops('plan');
    expect(flat(plan.stdout + plan.stderr)).toMatch(fault.says);
    expect((await rig.llmops('apply', '-y')).code).toBe(1);
    expect(rig.engine().pid).toBe(pid);
    expect(await triage(rig.endpoint()?.url ?? '')).toEqual(TRIAGED);
  });
});

describe('A change that fails at the start says what failed, and clients of the old copy see nothing of it:', () => {
  it.each(begun)('$fault', async (fault) => {
    const { pid } = rig.engine();
    await declareFault(fault);
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(2);
    const client = steadyClient(() => rig.endpoint());
    const applied = await rig.llmops('apply', '-y');
    const seen = await client.stop();
    expect(applied.code).toBe(1);
    expect(flat(applied.stdout + applied.stderr)).toMatch(fault.says);
    expect([seen.failures, seen.gaps]).toEqual([[], 0]);
    expect(rig.engine().pid).toBe(pid);
    expect(rig.processes()).toHaveLength(1);
    expect(await rig.ok('logs', '-n', '1', 'desk')).not.toBe('');
  });
});
