/** What the path of a GGUF file tells by the way people name such files. */
export interface GgufName {
  /** Path without the number of the part and the ending: the same for all parts of a split model. */
  readonly stem: string;
  /** The quantization that the name, or else its folder, speaks of, in capitals: Q4_K_M, UD-Q4_K_XL, I1-Q4_K_M; null: none. */
  readonly label: string | null;
  /** Which part of how many, from 1; null: the model is one file. */
  readonly part: { readonly number: number; readonly of: number } | null;
}

/** As llama.cpp's gguf-split names parts. Source: common/download.cpp of llama.cpp. */
const PART = /^(.+)-(\d{5})-of-(\d{5})$/i;
const ENDING = /\.gguf$/i;
/** True for a projector, which goes beside a model that reads more than text. */
export function isProjector(path: string): boolean {
  return ENDING.test(path) && /mmproj/i.test(path.slice(path.lastIndexOf('/') + 1));
}

/** Vision projectors, importance matrices and draft models: GGUF files that are no model of their own. */
const BESIDES = /mmproj|imatrix|(?:^|[-._])(?:mtp|eagle3|dflash|dspark)-/i;

const MARK = '(?:UD-|I1-)?';
/** Block formats and their mixes (llama-quantize, ik_llama.cpp, the `_L` and `_XL` mixes of publishers), then plain floats. */
const FORMAT = String.raw`(?:(?:I?Q|TQ)\d(?:_(?:K|KS|KSS|KL|KT|NL|XXS|XS|S|M|L|XL|XXL|P|R4|R8|[0-8]))+|B?F16|F32|FP16|FP32|MXFP4(?:_MOE)?|NVFP4)`;
const LABEL = new RegExp(`(?:^|[-._ ])(${MARK}${FORMAT})(?=$|[-. ])`, 'gi');

/** Names of the same format. llama-quantize takes Q4_K for Q4_K_M; gpt-oss files say MXFP4 where their header says MXFP4_MOE. */
const SAME: Readonly<Record<string, string>> = {
  MXFP4: 'MXFP4_MOE',
  FP16: 'F16',
  FP32: 'F32',
  Q3_K: 'Q3_K_M',
  Q4_K: 'Q4_K_M',
  Q5_K: 'Q5_K_M',
};

/** True if a path names a GGUF file that is a model, or a part of one. */
export function isModelFile(path: string): boolean {
  return ENDING.test(path) && !BESIDES.test(path.slice(path.lastIndexOf('/') + 1));
}

/** Takes the path of a GGUF file apart. */
export function readName(path: string): GgufName {
  const bare = path.replace(ENDING, '');
  const [, prefix, number, of] = /-of-00000$/i.test(bare) ? [] : (PART.exec(bare) ?? []);
  const stem = prefix ?? bare;
  return {
    stem,
    label: labelOf(stem),
    part: number === undefined || of === undefined ? null : { number: Number(number), of: Number(of) },
  };
}

/** The path of one part of a split model, given another one. */
export function partOf(path: string, number: number): string {
  return path.replace(/-\d{5}(-of-\d{5}\.gguf)$/i, `-${String(number).padStart(5, '0')}$1`);
}

/** The last label in the file's name; where that has none, in the name of the folder it lies in, and so on upwards. */
function labelOf(stem: string): string | null {
  for (const name of stem.split('/').toReversed()) {
    const label = [...name.matchAll(LABEL)].at(-1)?.[1];
    if (label !== undefined) return label.toUpperCase();
  }
  return null;
}

/** How well a label is what was asked for: 0 by name, 1 but for a publisher's mark, 2 by another name of it; null: not at all. */
export function matchOf(label: string, wanted: string): 0 | 1 | 2 | null {
  const asked = wanted.toUpperCase();
  const bare = label.replace(/^(UD|I1)-/, '');
  if (label === asked) return 0;
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
