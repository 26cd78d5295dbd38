import { describe, expect, it } from 'vitest';
import {
  atLeast,
  labelOfPath,
  QUANTIZATIONS,
  quantizationByHeader,
  quantizationOfFile,
  rankOf,
  SPELLED,
  WELL_KNOWN,
} from './quantization.ts';

const spelled = new RegExp(`^(?:${SPELLED})$`);

describe('A quantization', () => {
  it.each([
    'UD-Q4_K_XL',
    'UD-IQ2_XXS',
    'UD-Q4_K_M',
    'UD-TQ1_0',
    'UD-Q8_K_XL',
    'Q4_K_L',
    'Q5_K_L',
    'Q6_K_L',
    'Q2_K_L',
    'Q3_K_XL',
    'Q8_K_XL',
    'Q8_0_L',
    'Q6_K_P',
    'Q6_K_XXL',
    'MXFP4',
    'MXFP4_MOE',
    'NVFP4',
    'Q1_0',
    'Q2_0',
    'Q4_K',
    'Q5_K',
    'Q3_K',
    'IQ4_KS',
    'IQ2_KT',
    'IQ5_K_R4',
    'Q4_0_R8',
    'Q4_0_4_4',
    'IQ4_NL_4_4',
    'F16',
    'BF16',
    'F32',
  ])('may be called %s', (name) => {
    expect(name).toMatch(spelled);
    expect(labelOfPath(`Model-${name}.gguf`)).toBe(name);
    expect(labelOfPath(`${name}/Model-00001-of-00003.gguf`)).toBe(name);
  });

  it.each(['Q4_K_X', 'Q4_M', 'Q4KM', 'q4_k_m', 'Q4', 'Q9_K', 'Q4_K_M ', 'UD-', 'F8', 'int4', 'Q4_K_M.gguf', 'I1-Q4_K_M'])(
    'is not called %s',
    (name) => {
      expect(name).not.toMatch(spelled);
    },
  );

  it('that is offered to editors may be written', () => {
    expect(WELL_KNOWN.filter((name) => !spelled.test(name))).toEqual([]);
    expect(new Set(WELL_KNOWN).size).toBe(WELL_KNOWN.length);
  });
});

describe('The ranking', () => {
  const isFiner = (a: string, b: string): boolean => rankOf(a)! < rankOf(b)!;

  it.each([
    ['Q4_K_XL', 'Q4_K_M'],
    ['UD-Q4_K_XL', 'Q4_K_L'],
    ['Q4_K_L', 'Q4_K_M'],
    ['Q5_0', 'UD-Q4_K_XL'],
    ['Q6_K_L', 'Q6_K'],
    ['Q8_0', 'Q6_K_XL'],
    ['Q8_K_XL', 'Q8_0'],
    ['BF16', 'UD-Q8_K_XL'],
    ['Q3_K_XL', 'Q3_K_L'],
    ['IQ4_XS', 'Q3_K_XL'],
    ['Q2_K_L', 'Q2_K'],
    ['IQ3_XXS', 'UD-Q2_K_XL'],
    ['IQ2_M', 'UD-IQ2_XXS'],
    ['IQ1_S', 'Q1_0'],
  ])('has %s above %s', (finer, coarser) => {
    expect(isFiner(finer, coarser)).toBe(true);
  });

  it.each([
    ['UD-IQ2_XXS', 'IQ2_XXS'],
    ['UD-Q4_K_M', 'Q4_K_M'],
    ['Q4_K', 'Q4_K_M'],
    ['MXFP4', 'MXFP4_MOE'],
    ['Q4_K_R4', 'Q4_K_M'],
    ['Q6_K_P', 'Q6_K'],
    ['Q4_0_4_4', 'Q4_0'],
    ['Q8_0_L', 'Q8_0'],
  ])('has %s where %s stands', (name, other) => {
    expect(rankOf(name)).toBe(rankOf(other));
  });

  it('has no place for formats that were never measured beside the others', () => {
    expect([rankOf('IQ4_KS'), rankOf('Q7_1')]).toEqual([null, null]);
  });

  it('makes a floor a list: everything as fine, finest first, and the floor by its own name', () => {
    expect(atLeast('Q6_K')).toEqual(['F32', 'F16', 'BF16', 'Q8_K_XL', 'Q8_0', 'Q6_K_XL', 'Q6_K_L', 'Q6_K']);
    expect(atLeast('UD-Q6_K_XL')).toEqual(['F32', 'F16', 'BF16', 'Q8_K_XL', 'Q8_0', 'Q6_K_XL', 'UD-Q6_K_XL']);
    expect(atLeast('Q1_0')).toEqual(QUANTIZATIONS);
  });
});

describe('A header that is all there is', () => {
  it.each<[fileType: string | null, wanted: string, called: string | null]>([
    ['Q4_K_M', 'Q4_K_M', 'Q4_K_M'],
    ['Q4_K_M', 'Q4_K', 'Q4_K'],
    ['MXFP4_MOE', 'MXFP4', 'MXFP4'],
    ['Q4_K_M', 'UD-Q4_K_XL', 'UD-Q4_K_XL'],
    ['IQ1_S', 'UD-TQ1_0', 'UD-TQ1_0'],
    [null, 'UD-Q4_K_XL', 'UD-Q4_K_XL'],
    ['Q4_K_M', 'Q4_K_L', 'Q4_K_L'],
    ['Q6_K', 'Q6_K_L', 'Q6_K_L'],
    ['Q8_0', 'Q8_K_XL', 'Q8_K_XL'],
    ['Q3_K_L', 'Q3_K_XL', 'Q3_K_XL'],
    ['Q2_K', 'Q2_K_L', 'Q2_K_L'],
    ['Q4_K_S', 'Q4_K_L', 'Q4_K_S'],
    ['Q4_K_M', 'Q3_K_L', 'Q4_K_M'],
    ['Q8_0', 'Q4_K_M', 'Q8_0'],
    [null, 'Q4_K_M', null],
  ])('and says %s, where %s is wanted, makes it %s', (fileType, wanted, called) => {
    expect(quantizationByHeader(fileType, [wanted])).toBe(called);
  });

  it('and is coarser than a floor stays so: the mixes above the floor do not hide it', () => {
    expect(atLeast('Q4_K_M')).not.toContain(quantizationByHeader('Q4_K_S', atLeast('Q4_K_M')));
  });

  it('may be a mix as fine as a floor that is a mix: nothing tells otherwise', () => {
    expect(quantizationByHeader('Q4_K_M', atLeast('Q4_K_L'))).toBe('Q4_K_XL');
  });
});

describe('The name of a file of this machine', () => {
  it.each<[path: string, fileType: string | null, wanted: readonly string[], called: string | null]>([
    ['file:models/Model-UD-Q4_K_XL.gguf', 'Q4_K_M', ['UD-Q4_K_XL'], 'UD-Q4_K_XL'],
    ['file:models/Model-UD-Q4_K_XL.gguf', 'Q4_K_M', ['Q4_K_XL'], 'Q4_K_XL'],
    ['file:models/Model-UD-Q4_K_XL.gguf', 'Q4_K_M', [], 'UD-Q4_K_XL'],
    ['file:Model-Q4_K_L-00001-of-00002.gguf', 'Q4_K_M', ['Q4_K_L'], 'Q4_K_L'],
    ['file:Model-MXFP4.gguf', null, ['MXFP4'], 'MXFP4'],
    ['file:Model-Q4_K_M.gguf', 'F16', ['Q4_K_M'], 'Q4_K_M'],
    ['file:Model-Q4_K_M.gguf', 'F16', ['F16'], 'F16'],
    ['file:Model-Q8_0.gguf', 'Q8_0', ['UD-Q4_K_XL'], 'Q8_0'],
    ['file:chat.gguf', 'Q4_K_M', ['UD-Q4_K_XL'], 'UD-Q4_K_XL'],
    ['file:chat.gguf', 'Q4_K_M', [], 'Q4_K_M'],
    ['file:Q4_K_L.gguf', 'Q4_K_M', ['Q4_K_L'], 'Q4_K_L'],
    ['file:chat.gguf', null, [], null],
  ])('%s, its header saying %s, where %j is wanted: %s', (path, fileType, wanted, called) => {
    expect(quantizationOfFile(path, fileType, wanted)).toBe(called);
  });
});
