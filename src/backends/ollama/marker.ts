/**
 * What llmops writes into models that it makes, as a licence text: the one place that travels with a model, is read back
 * whole and changes no answer. So a server's models are their own record, as processes are elsewhere. Holds no secret.
 */
export interface InstanceMark {
  readonly v: 1;
  /** Identity of the stack: `stackIdOf` of the kit. */
  readonly stackId: string;
  readonly stack: string;
  readonly backend: string;
  readonly model: string;
  readonly id: string;
  readonly specHash: string;
  /** SHA-256 of the weights, hex. */
  readonly digest: string;
  /** Digest of the (first) weight blob, hex: a mark that was copied to other weights tells nothing of them. */
  readonly blob: string;
  /** Milliseconds; null: for ever. */
  readonly keepAlive: number | null;
  /** Names of the request defaults that were declared; the model's own are not ours to compare. */
  readonly parameters: readonly string[];
}

/** In pristine weights that were made from files: the same weights under the same key. */
export interface WeightsMark {
  readonly v: 1;
  /** What `heldKey` gives. */
  readonly key: string;
  /** Digest of the (first) weight blob, hex. */
  readonly blob: string;
}

const INSTANCE = 'llmops-instance: ';
const WEIGHTS = 'llmops-weights: ';

/** The licence text of a derived model: a line for people, a line for us. */
export function instanceText(mark: InstanceMark): string {
  return `Made by llmops for the stack ${mark.stack} (backend ${mark.backend}); change it in llmops.yaml.\n${INSTANCE}${JSON.stringify(mark)}`;
}

/** The licence text of weights that were made from files. */
export function weightsText(mark: WeightsMark): string {
  return `Kept by llmops as it came, for the models that are made from it.\n${WEIGHTS}${JSON.stringify(mark)}`;
}

/** The mark in a model's licence texts; null: none, or one of a version that is not known here. Of several the last one counts. */
export function readInstanceMark(license: string): InstanceMark | null {
  const value = lastAfter(INSTANCE, license);
  const texts = ['stackId', 'stack', 'backend', 'model', 'id', 'specHash', 'digest', 'blob'] as const;
  if (value === null || !texts.every((key) => typeof value[key] === 'string') || !Array.isArray(value['parameters'])) return null;
  const keepAlive = typeof value['keepAlive'] === 'number' ? value['keepAlive'] : null;
  return { ...value, keepAlive, parameters: value['parameters'].map(String) } as unknown as InstanceMark;
}

/** The mark of weights in a model's licence texts; null: none. */
export function readWeightsMark(license: string): WeightsMark | null {
  const value = lastAfter(WEIGHTS, license);
  return typeof value?.['key'] === 'string' && typeof value['blob'] === 'string' ? (value as unknown as WeightsMark) : null;
}

function lastAfter(prefix: string, text: string): Record<string, unknown> | null {
  const line = text.split('\n').findLast((each) => each.startsWith(prefix));
  if (line === undefined) return null;
  try {
    const value = JSON.parse(line.slice(prefix.length)) as Record<string, unknown> | null;
    return value !== null && typeof value === 'object' && value['v'] === 1 ? value : null;
  } catch {
    return null;
  }
}
