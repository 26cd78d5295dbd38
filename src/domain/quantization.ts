/**
 * Quantizations that are ranked, finest first: the order is what `atLeast` means. Those of llama.cpp (`general.file_type`),
 * and the mixes of publishers, which keep some tensors finer: each stands just above what it was made from.
 */
export const QUANTIZATIONS: readonly string[] = [
  'F32',
  'F16',
  'BF16',
  'Q8_K_XL',
  'Q8_0',
  'Q6_K_XL',
  'Q6_K_L',
  'Q6_K',
  'Q5_K_XL',
  'Q5_K_L',
  'Q5_K_M',
  'Q5_1',
  'Q5_K_S',
  'Q5_0',
  'Q4_K_XL',
  'Q4_K_L',
  'Q4_K_M',
  'Q4_1',
  'Q4_K_S',
  'IQ4_NL',
  'NVFP4',
  'Q4_0',
  'MXFP4_MOE',
  'IQ4_XS',
  'Q3_K_XL',
  'Q3_K_L',
  'Q3_K_M',
  'IQ3_M',
  'IQ3_S',
  'Q3_K_S',
  'IQ3_XS',
  'IQ3_XXS',
  'Q2_K_XL',
  'Q2_K_L',
  'Q2_K',
  'Q2_K_S',
  'IQ2_M',
  'IQ2_S',
  'IQ2_XS',
  'IQ2_XXS',
  'TQ2_0',
  'Q2_0',
  'IQ1_M',
  'TQ1_0',
  'IQ1_S',
  'Q1_0',
];

/** Names of the same format. llama-quantize takes Q4_K for Q4_K_M; gpt-oss files say MXFP4 where their header says MXFP4_MOE. */
const SAME: Readonly<Record<string, string>> = {
  MXFP4: 'MXFP4_MOE',
  FP16: 'F16',
  FP32: 'F32',
  Q3_K: 'Q3_K_M',
  Q4_K: 'Q4_K_M',
  Q5_K: 'Q5_K_M',
};

/** What editors offer and guesses are made from: the ranked ones, other names of theirs, and the marked ones that are published most. */
export const WELL_KNOWN: readonly string[] = [
  ...QUANTIZATIONS,
  ...Object.keys(SAME).filter((name) => !name.startsWith('FP')),
  ...['Q8_K_XL', 'Q6_K_XL', 'Q5_K_XL', 'Q4_K_XL', 'Q3_K_XL', 'Q2_K_XL'].map((name) => `UD-${name}`),
  ...['IQ4_XS', 'IQ3_XXS', 'IQ2_M', 'IQ2_XXS', 'IQ1_M', 'IQ1_S', 'TQ1_0'].map((name) => `UD-${name}`),
];

/** Block formats and their mixes: llama-quantize, ik_llama.cpp (`IQ4_KS`, `_R4`), and the `_L`, `_XL`, `_P` of publishers. */
const BLOCKS = [
  String.raw`Q[1-8]_K(?:_(?:S|M|L|XL|XXL|P))?(?:_R[48])?`,
  String.raw`Q[1-8]_[01](?:_(?:R[48]|[48]_[48]|L|XL))?`,
  String.raw`IQ[1-6]_(?:XXS|XS|S|M|L|XL|NL|K|KS|KSS|KL|KT)(?:_(?:R[48]|[48]_[48]|L|XL))?`,
  String.raw`TQ[12]_0(?:_R[48])?`,
  String.raw`MXFP4(?:_MOE)?`,
  'NVFP4',
];
const FLOATS = 'B?F16|F32';

/** As a regular expression: how `quantization` may be spelled in llmops.yaml. `UD-`: Unsloth's mark. */
export const SPELLED = `(?:UD-)?(?:${BLOCKS.join('|')}|${FLOATS})`;

/** As files are named. `i1-`: made with an importance matrix. */
const IN_NAMES = `(?:UD-|I1-)?(?:${BLOCKS.join('|')}|${FLOATS}|FP16|FP32)`;
const LABEL = new RegExp(`(?:^|[-._ :])(${IN_NAMES})(?=$|[-. ])`, 'gi');
const NUMBER_AND_ENDING = /(?:-\d{5}-of-\d{5})?(?:\.gguf)?$/i;

/** The last quantization that one name of a file, a folder or a tag speaks of, in capitals: UD-Q4_K_XL; null: none. */
export function labelIn(name: string): string | null {
  return [...name.matchAll(LABEL)].at(-1)?.[1]?.toUpperCase() ?? null;
}

/** As {@link labelIn}, of the path of a GGUF file; where the file's name has none, of the folder it lies in, and so on upwards. */
export function labelOfPath(path: string): string | null {
  for (const name of path.replace(NUMBER_AND_ENDING, '').split('/').toReversed()) {
    const label = labelIn(name);
    if (label !== null) return label;
  }
  return null;
}

/** How well a label is what was asked for: 0 by name, 1 but for a publisher's mark, 2 by another name of it; null: not at all. */
export function matchOf(label: string, wanted: string): 0 | 1 | 2 | null {
  const told = label.toUpperCase();
  const asked = wanted.toUpperCase();
  const bare = withoutMark(told);
  if (told === asked) return 0;
  if (bare === asked) return 1;
  return (SAME[bare] ?? bare) === (SAME[asked] ?? asked) ? 2 : null;
}

/**
 * What a label is called in llmops.lock: as llmops.yaml calls it where that names it (`wanted`), else as GGUF headers do.
 * Whether an importance matrix was used (`i1-`) does not belong to it.
 */
export function quantizationOf(label: string | null, wanted: readonly string[]): string | null {
  if (label === null) return null;
  const asked = wanted.find((name) => matchOf(label, name) !== null);
  const bare = label.replace(/^I1-/, '');
  return asked?.toUpperCase() ?? SAME[bare] ?? bare;
}

/** What a GGUF file of this machine is called: as its name says if that suits, else as its header does. */
export function quantizationOfFile(path: string, fileType: string | null, wanted: readonly string[]): string | null {
  const label = labelOfPath(path);
  if (label === null) return quantizationByHeader(fileType, wanted);
  const suits = wanted.length === 0 || wanted.some((name) => matchOf(label, name) !== null);
  return quantizationOf(suits ? label : (fileType ?? label), wanted);
}

/**
 * As {@link quantizationOf}, of weights whose name tells nothing: from `general.file_type` of their header, which has no
 * number for a publisher's mix. There it holds what the mix was made from, or anything: it is no witness against `UD-`.
 */
export function quantizationByHeader(fileType: string | null, wanted: readonly string[]): string | null {
  const asked = wanted.find((name) => (fileType !== null && matchOf(fileType, name) !== null) || mayHide(fileType, name.toUpperCase()));
  return asked?.toUpperCase() ?? quantizationOf(fileType, []);
}

function mayHide(fileType: string | null, wanted: string): boolean {
  return wanted.startsWith('UD-') || (isMix(wanted) && madeFrom(wanted) === fileType);
}

/** True for what no header has a number for: only names tell it. Q3_K_L is llama.cpp's own. */
export function isMix(name: string): boolean {
  return name !== 'Q3_K_L' && /^UD-|^I?Q\d_\w+_X*L$/.test(name);
}

/** The finest plain format of as many bits. */
function madeFrom(mix: string): string | null {
  const base = withoutMark(mix).replace(/_X*L$/, '');
  return base === 'Q8_K' ? 'Q8_0' : base === 'Q3_K' ? 'Q3_K_L' : (SAME[base] ?? base);
}

/**
 * Place in {@link QUANTIZATIONS}: of the name without its mark, or of what it is a variant of (`Q4_K_R4`, `Q6_K_P`); null: it
 * has none there, as `IQ4_KS`.
 */
export function rankOf(name: string): number | null {
  for (let bare = withoutMark(name.toUpperCase()); bare !== ''; bare = bare.slice(0, Math.max(0, bare.lastIndexOf('_')))) {
    const rank = QUANTIZATIONS.indexOf(SAME[bare] ?? bare);
    if (rank !== -1) return rank;
  }
  return null;
}

/** All that is as fine as a floor, finest first, the floor itself as it was written. */
export function atLeast(floor: string): readonly string[] {
  return [...new Set([...QUANTIZATIONS.slice(0, (rankOf(floor) ?? -1) + 1), floor])];
}

function withoutMark(name: string): string {
  return name.replace(/^(UD|I1)-/, '');
}
