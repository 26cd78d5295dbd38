import { basename } from 'node:path';
import type { FoundWeights } from '../discover/index.ts';
import { safeName } from './first-file.ts';

/** More models than this make no good first file. */
const MOST_MODELS = 3;
/** Share of the memory that weights may take: context, buffers and everything else on the machine need the rest. */
const SHARE_FOR_WEIGHTS = 0.6;

/** One model, in the file that suits this machine. */
export interface Pick {
  readonly name: string;
  readonly weights: FoundWeights;
  /** Paths of its other quantizations. */
  readonly others: readonly string[];
}

/**
 * Chooses what a first file declares: files that differ in their quantization only are one model, and of those the
 * largest that fits is taken, because among quantizations of one model bytes are quality. Bytes.
 */
export function pickModels(found: readonly FoundWeights[], memoryBytes: number): readonly Pick[] {
  const usable = found.filter((file) => isWritable(file.path));
  const families = [...groupByFamily(usable).values()].map((files) => [...files].sort((a, b) => b.bytes - a.bytes));
  const budget = memoryBytes * SHARE_FOR_WEIGHTS;
  const fitting = families
    .filter((files) => (files.at(-1)?.bytes ?? 0) <= budget / Math.min(MOST_MODELS, families.length))
    .slice(0, MOST_MODELS);
  const names = new Set<string>();
  return fitting.flatMap((files) => {
    const weights = files.find((file) => file.bytes <= budget / fitting.length);
    if (!weights) return [];
    return [
      {
        name: freshName(familyOf(weights.path), names),
        weights,
        others: files.filter((file) => file !== weights).map((file) => file.path),
      },
    ];
  });
}

/** A path with control characters cannot stand in llmops.yaml. */
function isWritable(path: string): boolean {
  return !/\p{Cc}|\p{Cs}|\u2028|\u2029|\ufffd/u.test(path);
}

function groupByFamily(files: readonly FoundWeights[]): ReadonlyMap<string, readonly FoundWeights[]> {
  const families = new Map<string, FoundWeights[]>();
  for (const file of files) {
    const family = `${file.path.slice(0, -basename(file.path).length)}${familyOf(file.path)}`;
    families.set(family, [...(families.get(family) ?? []), file]);
  }
  return families;
}

/** `models/Qwen3-8B-Q4_K_M.gguf` to `Qwen3-8B`: the file's name without what tells its quantization or part. */
function familyOf(path: string): string {
  const stem = basename(path)
    .replace(/\.gguf$/i, '')
    .replace(/-\d{5}-of-\d{5}$/, '');
  return stem.replace(/[-_.](?:UD-)?(?:I?Q\d\w*|TQ\d_\d|BF16|F16|F32|FP16|FP32|MXFP4\w*|NVFP4)$/i, '') || stem;
}

function freshName(family: string, taken: Set<string>): string {
  const name = safeName(family, 'chat');
  let fresh = name;
  for (let n = 2; taken.has(fresh); n += 1) fresh = `${name}-${n}`;
  taken.add(fresh);
  return fresh;
}
