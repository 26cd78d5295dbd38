import { labelOfPath } from '../domain/quantization.ts';

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
    label: labelOfPath(stem),
    part: number === undefined || of === undefined ? null : { number: Number(number), of: Number(of) },
  };
}

/** The path of one part of a split model, given another one. */
export function partOf(path: string, number: number): string {
  return path.replace(/-\d{5}(-of-\d{5}\.gguf)$/i, `-${String(number).padStart(5, '0')}$1`);
}
