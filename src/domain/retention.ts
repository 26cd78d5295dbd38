import type { Generation } from './generation.ts';

/** `retention:` of llmops.yaml: how far one can go back without a network. */
export interface RetentionSpec {
  /** How many releases before the one in force keep their weights on this machine. */
  readonly generations: number;
  /** Bytes of weights that are kept for them beside those in force; null: without a limit. */
  readonly bytes: number | null;
}

export const USUAL_RETENTION: RetentionSpec = { generations: 10, bytes: null };

/** Fetched files of weights: SHA-256 (hex) to bytes. */
export type WeightFiles = Readonly<Record<string, number>>;

/** True if it brought a stack, all of it, to what it declares, so that one can go back to it. */
export function isGood({ mode, outcome, left = [] }: Pick<Generation, 'mode' | 'outcome' | 'left'>): boolean {
  return mode === 'apply' && outcome === 'succeeded' && left.length === 0;
}

/** A release that one can go back to. */
export interface WayBack {
  /** The newest generation that applied it. */
  readonly number: number;
  readonly files: WeightFiles;
  /** True: the policy keeps its weights. */
  readonly isKept: boolean;
}

/**
 * The releases that one can go back to, newest first, the one in force first of all. Weights that a newer one has too cost nothing
 * further. `idOf`: the release of a generation. Generations of earlier versions tell no weights, and count as kept.
 */
export function waysBack(generations: readonly Generation[], idOf: (one: Generation) => string): readonly WayBack[] {
  const applied = generations.filter(isGood);
  const newest = [...Map.groupBy(applied, idOf).values()].map(([first]) => first as Generation);
  const { generations: most, bytes } = newest[0]?.source.retention ?? USUAL_RETENTION;
  const counted = new Set(Object.keys(newest[0]?.source.weights ?? {}));
  let [sum, isOpen] = [0, true];
  return newest.map(({ number, source: { weights: files = {} } }, index) => {
    for (const [digest, size] of Object.entries(files)) if (!counted.has(digest)) sum += size;
    for (const digest of Object.keys(files)) counted.add(digest);
    isOpen &&= index <= most && (bytes === null || sum <= bytes);
    return { number, files, isKept: isOpen };
  });
}
