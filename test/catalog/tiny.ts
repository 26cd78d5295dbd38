/** Value types of GGUF metadata. Source: docs/gguf.md in ggml. */
const U32 = 4;
const STRING = 8;
const ARRAY = 9;

type Value = number | string | readonly string[] | readonly number[];

/** What a tiny GGUF file holds. */
export interface TinyGguf {
  readonly metadata?: Readonly<Record<string, Value>>;
  /** F32 tensors by name, with their number of elements. */
  readonly tensors?: Readonly<Record<string, number>>;
  readonly version?: number;
  /** Claimed instead of the true counts. */
  readonly claims?: { readonly tensors?: bigint; readonly pairs?: bigint };
}

const MODEL: Readonly<Record<string, Value>> = {
  'general.architecture': 'llama',
  'general.name': 'tiny',
  'general.file_type': 15,
  'llama.context_length': 2048,
  'llama.block_count': 2,
  'llama.embedding_length': 64,
  'llama.attention.head_count': 4,
  'llama.attention.head_count_kv': [2, 4],
  'tokenizer.ggml.tokens': ['a', 'b', 'c'],
};

/** The bytes of a GGUF file, written by hand so that every part of it can be made wrong. */
export function tinyGguf({
  metadata = MODEL,
  tensors = { 'output.weight': 8, 'token_embd.weight': 16 },
  version = 3,
  claims = {},
}: TinyGguf = {}): Buffer {
  const parts: Buffer[] = [
    Buffer.from('GGUF'),
    u32(version),
    u64(claims.tensors ?? BigInt(Object.keys(tensors).length)),
    u64(claims.pairs ?? BigInt(Object.keys(metadata).length)),
  ];
  for (const [key, value] of Object.entries(metadata)) parts.push(text(key), u32(typeOf(value)), encode(value));
  let offset = 0;
  for (const [name, elements] of Object.entries(tensors)) {
    parts.push(text(name), u32(1), u64(BigInt(elements)), u32(0), u64(BigInt(offset)));
    offset += padded(elements * 4);
  }
  const header = Buffer.concat(parts);
  const data = Object.values(tensors).map((elements) => Buffer.alloc(padded(elements * 4), 7));
  return Buffer.concat([header, Buffer.alloc(padded(header.length) - header.length), ...data]);
}

function typeOf(value: Value): number {
  return typeof value === 'number' ? U32 : typeof value === 'string' ? STRING : ARRAY;
}

function encode(value: Value): Buffer {
  if (typeof value === 'number') return u32(value);
  if (typeof value === 'string') return text(value);
  return Buffer.concat([u32(typeOf(value[0] ?? 0)), u64(BigInt(value.length)), ...value.map(encode)]);
}

function text(value: string): Buffer {
  return Buffer.concat([u64(BigInt(Buffer.byteLength(value))), Buffer.from(value)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

function padded(size: number): number {
  return Math.ceil(size / 32) * 32;
}
