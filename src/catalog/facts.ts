import type { GgufFacts } from '../domain/desired.ts';

/** What a header holds, as @huggingface/gguf gives it. */
export type Metadata = Readonly<Record<string, unknown>>;

/** What llmops needs of a header's metadata. Values of a wrong type count as not told. Pure. */
export function factsOf(metadata: Metadata, fileTypes: Readonly<Record<number, string>>, tensorBytes: number): GgufFacts {
  const architecture = text(metadata['general.architecture']) ?? 'unknown';
  const own = (key: string): number | null => count(metadata[`${architecture}.${key}`]);
  const fileType = count(metadata['general.file_type']);
  const tokens = metadata['tokenizer.ggml.tokens'];
  return {
    architecture,
    name: text(metadata['general.name']),
    quantization: fileType === null ? null : (fileTypes[fileType] ?? null),
    contextTrained: own('context_length'),
    layers: own('block_count'),
    embedding: own('embedding_length'),
    heads: own('attention.head_count'),
    kvHeads: own('attention.head_count_kv'),
    keyLength: own('attention.key_length'),
    valueLength: own('attention.value_length'),
    vocabulary: Array.isArray(tokens) ? tokens.length : own('vocab_size'),
    experts: own('expert_count'),
    feedForward: own('feed_forward_length'),
    tensorBytes,
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A whole number from 0; of a list with one number for each layer, the largest. */
function count(value: unknown): number | null {
  if (Array.isArray(value)) return value.reduce<number | null>((most, item) => larger(most, count(item)), null);
  const number = typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

function larger(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
