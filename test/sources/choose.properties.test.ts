import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { choose } from '../../src/sources/choose.ts';

/** How a publisher names the files of one quantization of one model. */
type Style = (model: string, quantization: string, parts: number) => readonly string[];

function split(stem: string, parts: number): readonly string[] {
  const number = (value: number): string => String(value).padStart(5, '0');
  return parts === 1
    ? [`${stem}.gguf`]
    : Array.from({ length: parts }, (_, index) => `${stem}-${number(index + 1)}-of-${number(parts)}.gguf`);
}

const STYLES: Readonly<Record<string, Style>> = {
  dash: (model, quantization, parts) => split(`${model}-${quantization}`, parts),
  dot: (model, quantization, parts) => split(`${model}.${quantization}`, parts),
  underscore: (model, quantization, parts) => split(`${model}_${quantization}`, parts),
  owner: (model, quantization, parts) => split(`acme_${model}-${quantization}`, parts),
  lower: (model, quantization, parts) => split(`${model}-${quantization}`.toLowerCase(), parts),
  imatrix: (model, quantization, parts) => split(`${model}.i1-${quantization}`, parts),
  dynamic: (model, quantization, parts) => split(`${model}-UD-${quantization}`, parts),
  folder: (model, quantization, parts) => split(`${quantization}/${model}-${quantization}`, parts),
  folderOnly: (model, quantization, parts) => split(`${quantization}/${model}`, parts),
  modelFolder: (model, quantization, parts) => split(`${model}-${quantization}/${model}-${quantization}`, parts),
  bare: (_model, quantization, parts) => split(quantization, parts),
};

const QUANTIZATIONS = [
  'Q2_K',
  'Q3_K_M',
  'Q4_0',
  'Q4_K_S',
  'Q4_K_M',
  'Q5_K_M',
  'Q6_K',
  'Q8_0',
  'F16',
  'BF16',
  'IQ1_S',
  'IQ2_XXS',
  'IQ4_NL',
  'IQ4_XS',
  'TQ1_0',
  'MXFP4_MOE',
  'Q4_K_XL',
  'Q6_K_L',
];
const MODELS = [
  'Qwen3-8B',
  'Llama-3.1-8B-Instruct',
  'gpt-oss-20b',
  'gemma-3-27b-it-qat',
  'DeepSeek-R1-0528',
  'Phi-4',
  'Mistral-7B-v0.3',
  'bge_m3',
];
const BESIDES = [
  'README.md',
  '.gitattributes',
  'config.json',
  'imatrix.dat',
  'mmproj-F16.gguf',
  'mmproj-model-Q8_0.gguf',
  'Model.imatrix.gguf',
  'mtp-Model-Q4_K_M.gguf',
  'params',
  'Q4_K_M.txt',
];

const repository = fc.record({
  model: fc.constantFrom(...MODELS),
  style: fc.constantFrom(...Object.keys(STYLES)),
  models: fc.uniqueArray(fc.tuple(fc.constantFrom(...QUANTIZATIONS), fc.integer({ min: 1, max: 12 })), {
    minLength: 1,
    maxLength: 8,
    selector: ([name]) => name,
  }),
  besides: fc.subarray(BESIDES),
  seed: fc.infiniteStream(fc.nat()),
});

function filesOf({
  model,
  style,
  models,
}: Pick<typeof repository extends fc.Arbitrary<infer T> ? T : never, 'model' | 'style' | 'models'>) {
  return new Map(models.map(([quantization, parts]) => [quantization, STYLES[style]!(model, quantization, parts)]));
}

/** The same paths in an order of chance. */
function shuffled(paths: readonly string[], seed: Iterator<number>): readonly string[] {
  const keyed = paths.map((path) => [seed.next().value as number, path] as const);
  return keyed.sort(([a], [b]) => a - b).map(([, path]) => path);
}

const wantedOf = (quantizations: readonly string[]) => ({ repo: 'acme/Model', file: null, quantizations });

test('In a random repository, named in a random style, every quantization leads to its own files and to all of them', () => {
  fc.assert(
    fc.property(repository, ({ besides, seed, ...named }) => {
      const files = filesOf(named);
      const paths = shuffled([...besides, ...[...files.values()].flat()], seed);
      for (const [quantization, expected] of files) expect(choose(paths, wantedOf([quantization])).paths).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test('A list of quantizations leads to the first that is there', () => {
  fc.assert(
    fc.property(repository, fc.shuffledSubarray(QUANTIZATIONS, { minLength: 1 }), ({ besides, seed, ...named }, wanted) => {
      const files = filesOf(named);
      const first = wanted.find((quantization) => files.has(quantization));
      fc.pre(first !== undefined);
      const paths = shuffled([...besides, ...[...files.values()].flat()], seed);
      expect(choose(paths, wantedOf(wanted)).paths).toEqual(files.get(first!));
    }),
    { numRuns: 300 },
  );
});

test('A split model that lacks any one part is never taken', () => {
  fc.assert(
    fc.property(repository, fc.nat(), ({ besides, seed, ...named }, at) => {
      const files = filesOf(named);
      const [quantization, parts] = [...files].find(([, paths]) => paths.length > 1) ?? [];
      fc.pre(quantization !== undefined && parts !== undefined);
      const gone = parts![at % parts!.length]!;
      const paths = shuffled(
        [...besides, ...[...files.values()].flat()].filter((path) => path !== gone),
        seed,
      );
      expect(() => choose(paths, wantedOf([quantization!]))).toThrow(gone);
    }),
    { numRuns: 300 },
  );
});
