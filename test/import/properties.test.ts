import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProblemError } from '../../src/domain/problem.ts';
import { importCompose } from '../../src/import/files/compose.ts';
import { importLitellm } from '../../src/import/files/litellm.ts';
import { importLlamaSwap } from '../../src/import/files/llama-swap.ts';
import { settle, type Imported } from '../../src/import/index.ts';
import { importLlamaServer } from '../../src/import/llama/running.ts';
import { MEANINGS } from '../../src/import/llama/flags.ts';
import { nameFrom, uniqueNames } from '../../src/import/names.ts';
import { importOllama } from '../../src/import/ollama/index.ts';
import { parametersOf } from '../../src/import/ollama/shown.ts';
import { shellWords } from '../../src/import/words.ts';
import { importVllm } from '../../src/import/vllm/index.ts';
import { check, foreign } from './case.ts';

const RUNS = { numRuns: 60 };

/** Whatever went in, what comes out is valid, and nothing is left over that no key could be taken away for. */
function expectValid(imported: Imported): void {
  const { text, left } = settle(imported, { stack: 'desk', schema: null }, check);
  expect(left, text).toEqual([]);
  expect(check(text)).toEqual([]);
}

const wild = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('a', 'A b', '../x', '${x}', 'qwen3:8b', 'hf.co/a/b:Q4_K_M', ''),
);
const value = fc.oneof(
  wild,
  fc.integer(),
  fc.constant(null),
  fc.boolean(),
  fc.double(),
  fc.array(wild, { maxLength: 3 }),
  fc.dictionary(wild, wild, { maxKeys: 3 }),
);
const record = (keys: readonly string[]): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(Object.fromEntries(keys.map((key) => [key, value])), { requiredKeys: [] });

/** A file as JSON, which is YAML too. */
const file = (content: unknown) => foreign(JSON.stringify(content));

/** What a reader makes of it, or a refusal that says why nothing is written. */
function refusalOr(make: () => Imported): Imported | null {
  try {
    return make();
  } catch (error) {
    expect(error).toBeInstanceOf(ProblemError);
    return null;
  }
}

const words = fc.array(
  fc.oneof(
    fc.constantFrom(...MEANINGS.keys(), '-fa', '--api-key', '--temp'),
    fc.constantFrom('1', '0', '99', 'on', 'q8_0', '/m.gguf', 'a=b', '3,1'),
    wild,
  ),
  {
    maxLength: 12,
  },
);

describe('Whatever a server answers, what import writes is valid', () => {
  it('for Ollama', () => {
    const model = fc.tuple(
      wild,
      record(['digest', 'details', 'remote_model']),
      fc.record(
        {
          modelfile: wild.map((path) => `FROM ${path}/sha256-${'b'.repeat(64)}`),
          parameters: fc
            .array(fc.tuple(fc.constantFrom('num_ctx', 'num_gpu', 'temperature', 'stop', 'typical_p', 'num_thread', 'zz'), value))
            .map((lines) => lines.map(([name, one]) => `${name} ${JSON.stringify(one)}`).join('\n')),
          system: value,
          template: value,
          license: value,
          details: record(['parent_model', 'quantization_level', 'parameter_size']),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(fc.array(model, { maxLength: 4 }), value, (models, ps) => {
        const tags = { models: models.map(([name, row]) => ({ ...row, name })) };
        const shown = new Map(models.map(([name, , answer]) => [name, answer]));
        expectValid(importOllama({ url: 'http://127.0.0.1:11434', version: '1', tags, ps, shown, readable: new Set() }));
      }),
      RUNS,
    );
  });

  it('for llama-server and vLLM, whatever they were told', () => {
    const answers = record(['default_generation_settings', 'total_slots', 'model_alias', 'model_path', 'build_info']);
    fc.assert(
      fc.property(words, answers, wild, (told, props, id) => {
        const call = { words: told, env: {}, path: (path: string) => path };
        const models = { data: [{ id, root: id, max_model_len: 12 }] };
        expectValid(importLlamaServer({ url: 'http://127.0.0.1:1', props, models, call, program: null }));
        expectValid(importVllm({ url: 'http://127.0.0.1:1', version: null, models, call }));
      }),
      RUNS,
    );
  });
});

describe('Whatever stands in a file, what import writes is valid, or nothing is written', () => {
  it('for llama-swap', () => {
    const model = fc.record(
      {
        cmd: fc.oneof(
          value,
          words.map((told) => `llama-server ${told.join(' ')}`),
        ),
        ttl: value,
        env: value,
        macros: value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.record({ models: fc.dictionary(wild, model, { maxKeys: 3 }), macros: value, hooks: value }), (root) => {
        const imported = refusalOr(() => importLlamaSwap(file(root)));
        if (imported) expectValid(imported);
      }),
      RUNS,
    );
  });

  it('for compose', () => {
    const service = fc.record(
      {
        image: fc.constantFrom('ollama/ollama', 'x/llama.cpp:server', 'vllm/vllm-openai'),
        command: fc.oneof(value, words),
        environment: value,
        volumes: value,
        ports: value,
      },
      { requiredKeys: ['image'] },
    );
    const model = record(['model', 'context_size', 'runtime_flags']);
    fc.assert(
      fc.property(
        fc.record({ services: fc.dictionary(wild, service, { maxKeys: 3 }), models: fc.dictionary(wild, model, { maxKeys: 3 }) }),
        (root) => {
          const imported = refusalOr(() => importCompose(file(root)));
          if (imported) expectValid(imported);
        },
      ),
      RUNS,
    );
  });

  it('for LiteLLM', () => {
    const params = fc.record(
      {
        model: fc.tuple(fc.constantFrom('ollama', 'openai', 'hosted_vllm', 'x'), wild).map((parts) => parts.join('/')),
        api_base: fc.oneof(fc.webUrl(), value),
        api_key: value,
      },
      { requiredKeys: ['model'] },
    );
    fc.assert(
      fc.property(fc.array(fc.record({ model_name: value, litellm_params: params }), { maxLength: 4 }), (list) => {
        const imported = refusalOr(() => importLitellm(file({ model_list: list })));
        if (imported) expectValid(imported);
      }),
      RUNS,
    );
  });
});

describe('Names', () => {
  it('are as llmops wants them, each one once, and the same on every run', () => {
    fc.assert(
      fc.property(fc.array(wild), (wishes) => {
        const names = uniqueNames(wishes, 'model');
        expect(new Set(names).size).toBe(wishes.length);
        for (const name of names) expect(name).toMatch(/^(?!constructor$)[a-z0-9][a-z0-9._-]{0,62}$/);
        expect(uniqueNames(wishes, 'model')).toEqual(names);
      }),
    );
  });

  it('that are good stay as they are', () => {
    expect(uniqueNames(['Chat', 'chat', 'chat-2'], 'model')).toEqual(['chat-3', 'chat', 'chat-2']);
    expect(nameFrom('Qwen3 8B (new)!', 'model')).toBe('qwen3-8b-new');
  });
});

describe('A command line', () => {
  it('is taken apart as a shell would', () => {
    expect(shellWords(`a "b c" 'd\\e' f\\ g \\\n  h"i"`)).toEqual(['a', 'b c', 'd\\e', 'f g', 'hi']);
    expect(shellWords('# why\nserver -m x\n  # again\n -c 1')).toEqual(['server', '-m', 'x', '-c', '1']);
  });

  it('that does more than start one program is refused', () => {
    for (const line of ['a | b', 'a && b', 'a; b', 'a > f', 'a $(b)', 'a `b`', 'a "b']) expect(shellWords(line)).toBeNull();
  });
});

describe('Parameters of a Modelfile', () => {
  it('are read as Go writes them', () => {
    const text = [
      'temperature                    0.6',
      'stop                           "<|im_end|>"',
      'stop "\\n\\x07"',
      'use_mmap true',
      'num_ctx 8192',
    ].join('\n');
    expect(parametersOf(text)).toEqual({ temperature: 0.6, stop: ['<|im_end|>', '\n\u0007'], use_mmap: true, num_ctx: 8192 });
  });
});
