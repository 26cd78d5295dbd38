const [U32, F32, BOOL, STRING, ARRAY] = [4, 6, 7, 8, 9];
/** Bytes that tensors begin at multiples of. */
const ALIGNMENT = 32;
/** Width of examples/models/desk-*.gguf, which the projector's vectors must have. */
const MODEL_WIDTH = 256;
const [WIDTH, FEED_FORWARD, IMAGE, PATCH, BLOCKS] = [32, 64, 28, 14, 2];

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number): Buffer => Buffer.concat([u32(value), u32(0)]);
const f32 = (values: readonly number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);
const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
const padding = (length: number): Buffer => Buffer.alloc((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);

const pair = (key: string, type: number, value: Buffer): Buffer => Buffer.concat([text(key), u32(type), value]);
const numbers = (values: readonly number[]): Buffer => Buffer.concat([u32(F32), u64(values.length), f32(values)]);

const METADATA: readonly Buffer[] = [
  pair('general.architecture', STRING, text('clip')),
  pair('general.type', STRING, text('mmproj')),
  pair('clip.has_vision_encoder', BOOL, Buffer.from([1])),
  pair('clip.projector_type', STRING, text('mlp')),
  pair('clip.use_gelu', BOOL, Buffer.from([1])),
  pair('clip.vision.image_size', U32, u32(IMAGE)),
  pair('clip.vision.patch_size', U32, u32(PATCH)),
  pair('clip.vision.embedding_length', U32, u32(WIDTH)),
  pair('clip.vision.feed_forward_length', U32, u32(FEED_FORWARD)),
  pair('clip.vision.projection_dim', U32, u32(MODEL_WIDTH)),
  pair('clip.vision.block_count', U32, u32(BLOCKS)),
  pair('clip.vision.attention.head_count', U32, u32(4)),
  pair('clip.vision.attention.layer_norm_epsilon', F32, f32([1e-5])),
  pair('clip.vision.image_mean', ARRAY, numbers([0.5, 0.5, 0.5])),
  pair('clip.vision.image_std', ARRAY, numbers([0.5, 0.5, 0.5])),
];

type Tensor = readonly [name: string, dimensions: readonly number[]];

const layer = (name: string, from: number, to: number): readonly Tensor[] => [
  [`${name}.weight`, [from, to]],
  [`${name}.bias`, [to]],
];
const norm = (name: string): readonly Tensor[] => [
  [`${name}.weight`, [WIDTH]],
  [`${name}.bias`, [WIDTH]],
];
const block = (index: number): readonly Tensor[] => {
  const name = (part: string): string => `v.blk.${index}.${part}`;
  return [
    ...['attn_q', 'attn_k', 'attn_v', 'attn_out'].flatMap((part) => layer(name(part), WIDTH, WIDTH)),
    ...['ln1', 'ln2'].flatMap((part) => norm(name(part))),
    ...layer(name('ffn_up'), WIDTH, FEED_FORWARD),
    ...layer(name('ffn_down'), FEED_FORWARD, WIDTH),
  ];
};

const TENSORS: readonly Tensor[] = [
  ['v.class_embd', [WIDTH]],
  ['v.patch_embd.weight', [PATCH, PATCH, 3, WIDTH]],
  ['v.position_embd.weight', [WIDTH, (IMAGE / PATCH) ** 2 + 1]],
  ...norm('v.pre_ln'),
  ...norm('v.post_ln'),
  ...Array.from({ length: BLOCKS }, (_, index) => block(index)).flat(),
  ...layer('mm.0', WIDTH, MODEL_WIDTH),
  ...layer('mm.2', MODEL_WIDTH, MODEL_WIDTH),
];

/**
 * The bytes of a projector that llama.cpp loads beside the models of examples/models: a vision encoder as small as one can be,
 * of weights that are all alike, so what it sees is nonsense. Source: tools/mtmd/clip.cpp of llama.cpp, projector type mlp.
 */
export function tinyProjector(): Buffer {
  const heads: Buffer[] = [];
  const bodies: Buffer[] = [];
  let offset = 0;
  for (const [name, dimensions] of TENSORS) {
    heads.push(text(name), u32(dimensions.length), ...dimensions.map(u64), u32(0), u64(offset));
    const values = f32(Array<number>(dimensions.reduce((product, each) => product * each, 1)).fill(0.01));
    const body = Buffer.concat([values, padding(values.length)]);
    bodies.push(body);
    offset += body.length;
  }
  const header = Buffer.concat([Buffer.from('GGUF'), u32(3), u64(TENSORS.length), u64(METADATA.length), ...METADATA, ...heads]);
  return Buffer.concat([header, padding(header.length), ...bodies]);
}
