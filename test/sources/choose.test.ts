import { describe, expect, test } from 'vitest';
import { quantizationOf } from '../../src/domain/quantization.ts';
import { choose } from '../../src/sources/choose.ts';
import type { Wanted } from '../../src/sources/choose.ts';
import { problemIn } from './setup.ts';

const REPO = 'acme/Model-GGUF';

function chosen(paths: readonly string[], wanted: Partial<Wanted> = {}): readonly string[] {
  return choose(paths, { repo: REPO, file: null, quantizations: [], ...wanted }).paths;
}

async function refused(paths: readonly string[], wanted: Partial<Wanted> = {}) {
  return await problemIn(() => chosen(paths, wanted));
}

describe('A quantization is found in names as people write them', () => {
  test.each<[wanted: string, path: string, told: string]>([
    ['Q4_K_M', 'Model-Q4_K_M.gguf', 'Q4_K_M'],
    ['Q4_K_M', 'Model.Q4_K_M.gguf', 'Q4_K_M'],
    ['Q4_K_M', 'acme_Model-7B-Instruct-v0.3-Q4_K_M.gguf', 'Q4_K_M'],
    ['Q4_K_M', 'model-7b-q4_k_m.gguf', 'Q4_K_M'],
    ['Q4_K_M', 'model_7b_q4_k_m.gguf', 'Q4_K_M'],
    ['Q4_K_M', 'q4_k_m.GGUF', 'Q4_K_M'],
    ['Q4_K_M', 'Model.i1-Q4_K_M.gguf', 'I1-Q4_K_M'],
    ['Q4_K_M', 'Model-Q4_K_M-imat.gguf', 'Q4_K_M'],
    ['Q4_K_M', 'Model-Q4_K.gguf', 'Q4_K'],
    ['Q4_K_M', 'Q4_K_M/Model-00001-of-00001.gguf', 'Q4_K_M'],
    ['Q4_K_M', 'Model-Q4_K_M/Model.gguf', 'Q4_K_M'],
    ['Q4_K_M', 'F16-experiments/Model-Q4_K_M.gguf', 'Q4_K_M'],
    ['UD-Q4_K_XL', 'Model-UD-Q4_K_XL.gguf', 'UD-Q4_K_XL'],
    ['Q4_K_XL', 'Model-UD-Q4_K_XL.gguf', 'UD-Q4_K_XL'],
    ['IQ2_XXS', 'UD-IQ2_XXS/Model-UD-IQ2_XXS-00001-of-00001.gguf', 'UD-IQ2_XXS'],
    ['Q4_K_L', 'Model-Q4_K_L.gguf', 'Q4_K_L'],
    ['Q6_K', 'Model-Q6_K.gguf', 'Q6_K'],
    ['Q8_0', 'Model-Q8_0.gguf', 'Q8_0'],
    ['Q4_0_4_4', 'Model-Q4_0_4_4.gguf', 'Q4_0_4_4'],
    ['MXFP4_MOE', 'gpt-oss-20b-MXFP4.gguf', 'MXFP4'],
    ['MXFP4', 'gpt-oss-20b-mxfp4_moe.gguf', 'MXFP4_MOE'],
    ['F16', 'Model-fp16.gguf', 'FP16'],
    ['BF16', 'BF16/Model-BF16-00001-of-00001.gguf', 'BF16'],
    ['TQ1_0', 'Model-TQ1_0.gguf', 'TQ1_0'],
    ['IQ4_NL', 'Model.IQ4_NL.gguf', 'IQ4_NL'],
    ['q4_k_m', 'Model-Q4_K_M.gguf', 'Q4_K_M'],
  ])('%s in %s', (wanted, path, told) => {
    const others = ['Model-Q3_K_S.gguf', 'Model-Q5_0.gguf', 'README.md', '.gitattributes'];
    expect(choose([...others, path], { repo: REPO, file: null, quantizations: [wanted] })).toEqual({ paths: [path], label: told });
    // The lock holds what llmops.yaml asks for: else it would be out of date as soon as it is written.
    expect(quantizationOf(told, ['Q2_K', wanted])).toBe(wanted.toUpperCase());
  });

  test.each([
    ['Q4_K_M', 'Model-Q4_K_L.gguf'],
    ['Q4_K_M', 'Model-Q4_K_S.gguf'],
    ['Q4_K_M', 'Model-IQ4_K_M.gguf'],
    ['Q4_K_M', 'Model-UD-Q4_K_XL.gguf'],
    ['Q4_0', 'Model-Q4_0_4_4.gguf'],
    ['Q6_K', 'Model-Q6_K_L.gguf'],
    ['Q6_K', 'Model-UD-Q6_K_XL.gguf'],
    ['F16', 'Model-BF16.gguf'],
    ['UD-Q4_K_M', 'Model-Q4_K_M.gguf'],
    ['Q4_K_M', 'ModelQ4_K_M.gguf'],
    ['Q4_K_M', 'Model-Q4_K_NEW.gguf'],
    ['Q4_0', 'Model-Q4_0_X2.gguf'],
    ['Q4_K_M', 'Model-Q4_K_M/Model-Q8_0.gguf'],
  ])('%s is not in %s', async (wanted, path) => {
    expect((await refused([path, 'Model-Q5_0.gguf'], { quantizations: [wanted] })).code).toBe('quantization-not-found');
  });
});

test.each([
  ['Q4_K_M', 'Q4_K_M'],
  ['UD-Q4_K_XL', 'UD-Q4_K_XL'],
  ['I1-Q4_K_M', 'Q4_K_M'],
  ['MXFP4', 'MXFP4_MOE'],
  ['FP16', 'F16'],
  ['Q4_K', 'Q4_K_M'],
  [null, null],
])('Where nothing is asked for, %s is called %s, as headers of GGUF files do', (label, quantization) => {
  expect(quantizationOf(label, [])).toBe(quantization);
});

describe('Of several acceptable quantizations', () => {
  const paths = ['Model-Q8_0.gguf', 'Model-Q4_K_M.gguf', 'Model-Q5_K_M.gguf'];

  test('the first that is there is taken', () => {
    expect(chosen(paths, { quantizations: ['Q6_K', 'Q5_K_M', 'Q8_0'] })).toEqual(['Model-Q5_K_M.gguf']);
  });

  test('Q4_K_M is taken where nothing is asked for, else Q8_0, else the only one', () => {
    expect(chosen(paths)).toEqual(['Model-Q4_K_M.gguf']);
    expect(chosen(['Model-Q8_0.gguf', 'Model-Q5_K_M.gguf'])).toEqual(['Model-Q8_0.gguf']);
    expect(chosen(['Model-IQ2_M.gguf', 'mmproj-F16.gguf'])).toEqual(['Model-IQ2_M.gguf']);
    expect(chosen(['ggml-model.gguf'])).toEqual(['ggml-model.gguf']);
  });

  test('none is taken where nothing is asked for and several unusual ones are there: the problem lists them', async () => {
    expect(await refused(['Model-Q5_K_M.gguf', 'Model-UD-Q6_K_XL.gguf'])).toEqual({
      severity: 'error',
      code: 'quantization-not-found',
      summary: `${REPO} has neither Q4_K_M nor Q8_0, and more than one model. Nothing was changed.`,
      expected: 'Q5_K_M, UD-Q6_K_XL',
      fix: `Set \`quantization\` to one of those, or name a file in \`source\`: hf:${REPO}/Model-Q5_K_M.gguf`,
      details: ['Model-Q5_K_M.gguf', 'Model-UD-Q6_K_XL.gguf'],
    });
  });

  test('a plain name goes before the same with a publisher’s mark', () => {
    expect(chosen(['Model-UD-Q4_K_M.gguf', 'Model-Q4_K_M.gguf'])).toEqual(['Model-Q4_K_M.gguf']);
    expect(chosen(['Model-UD-Q4_K_M.gguf', 'Model-Q4_K_M.gguf'], { quantizations: ['UD-Q4_K_M'] })).toEqual(['Model-UD-Q4_K_M.gguf']);
  });

  test('a long list of what is there is cut', async () => {
    const many = Array.from({ length: 50 }, (_, index) => `Model-${String(index).padStart(2, '0')}-Q2_K.gguf`);
    const { details } = await refused(many, { quantizations: ['Q8_0'] });
    expect(details).toHaveLength(21);
    expect(details?.at(-1)).toBe('and 30 more');
  });
});

describe('Several models that are the wanted quantization', () => {
  test.each([
    ['two models', ['coder-Q4_K_M.gguf', 'chat-Q4_K_M.gguf']],
    ['a whole and a split one', ['Model-Q4_K_M.gguf', 'Model-Q4_K_M-00001-of-00002.gguf', 'Model-Q4_K_M-00002-of-00002.gguf']],
    ['the same split twice', ['M-Q4_K_M-00001-of-00001.gguf', 'M-Q4_K_M-00001-of-00002.gguf', 'M-Q4_K_M-00002-of-00002.gguf']],
    ['two folders', ['a/Model-Q4_K_M.gguf', 'b/Model-Q4_K_M.gguf']],
    ['two spellings', ['Model-Q4_K_M.gguf', 'model-q4_k_m.gguf']],
  ])('are an error that lists them: %s', async (_what, paths) => {
    const problem = await refused(paths);
    expect(problem.code).toBe('quantization-ambiguous');
    expect(problem.summary).toBe(`${REPO} has 2 models that are Q4_K_M. Nothing was changed.`);
    expect(problem.details).toEqual([...paths].filter((path) => !path.includes('00002-of')).sort());
    expect(problem.fix).toBe(`Name one in \`source\`: hf:${REPO}/${problem.details?.[0]}`);
  });
});

describe('Files beside a model', () => {
  test.each([
    'mmproj-Model-Q4_K_M.gguf',
    'Model-mmproj-Q4_K_M.gguf',
    'Model.MMPROJ.Q4_K_M.gguf',
    'Model.imatrix.gguf',
    'imatrix_unsloth.gguf',
    'mtp-Model-Q4_K_M.gguf',
    'Model-eagle3-Q4_K_M.gguf',
    'eagle3-Model-Q4_K_M.gguf',
    'dflash-Model-Q4_K_M.gguf',
    'Q4_K_M/mmproj-Q4_K_M.gguf',
    'Model-Q4_K_M.safetensors',
    'Model-Q4_K_M.gguf.md5',
    'Model-Q4_K_M.gguf_file',
  ])('are no weights: %s', async (path) => {
    expect(chosen([path, 'Model-Q8_0.gguf'])).toEqual(['Model-Q8_0.gguf']);
    expect((await refused([path])).code).toBe('no-gguf');
  });

  test('are told apart from models whose names only sound like it', () => {
    expect(chosen(['smtp-helper-Q4_K_M.gguf'])).toEqual(['smtp-helper-Q4_K_M.gguf']);
  });
});

describe('A split model', () => {
  const parts = [1, 2, 3].map((number) => `Q4_K_M/Model-Q4_K_M-0000${number}-of-00003.gguf`);

  test('is all of its parts, in their order, however the list is sorted', () => {
    expect(chosen([parts[2]!, 'a.txt', parts[0]!, parts[1]!])).toEqual(parts);
  });

  test.each([
    [1, [parts[0]!, parts[2]!], parts[1]],
    [1, [parts[1]!, parts[2]!], parts[0]],
    [2, [parts[2]!], parts[0]],
  ])('of which %i is missing is an error that names it', async (count, there, missing) => {
    const problem = await refused(there);
    expect(problem.code).toBe('weights-split');
    expect(problem.summary).toContain(count === 1 ? `does not have ${missing}.` : `does not have 2 of them, beginning with ${missing}.`);
  });

  test('is named by its first part', async () => {
    expect(chosen(parts, { file: parts[0]! })).toEqual(parts);
    expect(await refused(parts, { file: parts[1]! })).toMatchObject({
      code: 'weights-split',
      summary: expect.stringContaining('is part 2 of a model that is split into 3 files'),
      fix: `Name hf:${REPO}/${parts[0]} in \`source\`.`,
    });
  });
});

describe('A named file', () => {
  const paths = ['Model-Q4_K_M.gguf', 'sub/Model-Q8_0.gguf', 'mmproj-F16.gguf', 'model.safetensors', 'config.json'];

  test('is taken as it is, also one that would not be chosen', () => {
    expect(chosen(paths, { file: 'sub/Model-Q8_0.gguf' })).toEqual(['sub/Model-Q8_0.gguf']);
    expect(chosen(paths, { file: 'mmproj-F16.gguf' })).toEqual(['mmproj-F16.gguf']);
  });

  test.each([
    ['Model-Q4_K_N.gguf', 'Model-Q4_K_M.gguf'],
    ['model-q4_k_m.gguf', 'Model-Q4_K_M.gguf'],
    ['Model-Q8_0.gguf', 'sub/Model-Q8_0.gguf'],
  ])('that is not there is an error with a guess: %s', async (file, guess) => {
    expect(await refused(['sub/Model-Q8_0.gguf', 'Model-Q4_K_M.gguf'], { file })).toMatchObject({
      code: 'file-not-in-repository',
      fix: `Did you mean hf:${REPO}/${guess}?`,
      details: ['Model-Q4_K_M.gguf', 'sub/Model-Q8_0.gguf'],
    });
  });

  test('that is not there is never taken for another quantization', async () => {
    expect((await refused(paths, { file: 'Model-Q5_K_M.gguf' })).fix).toBe(`Name one of its files: hf:${REPO}/FILE`);
  });

  test('must be a GGUF file', async () => {
    expect(await refused(paths, { file: 'model.safetensors' })).toMatchObject({
      code: 'no-gguf',
      summary: `model.safetensors of ${REPO} is no GGUF file. Nothing was changed.`,
    });
  });
});

describe('A repository without a GGUF file', () => {
  test.each<[readonly string[], string]>([
    [
      ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'config.json'],
      'it holds 2 files of safetensors (the Hugging Face form, for vLLM)',
    ],
    [['pytorch_model.bin', 'config.json'], 'it holds 1 file of PyTorch'],
    [['mmproj-F16.gguf'], 'it holds 1 file of GGUF that go beside a model (mmproj, imatrix, drafts)'],
    [['README.md', '.gitattributes'], 'none of its 2 files holds weights'],
    [[], 'none of its 0 files holds weights'],
  ])('says what is there: %j', async (paths, told) => {
    expect(await refused(paths)).toMatchObject({
      code: 'no-gguf',
      summary: `${REPO} has no model as a GGUF file: ${told}. Nothing was changed.`,
    });
  });
});
