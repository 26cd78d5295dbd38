import type { FileHandle } from 'node:fs/promises';
import type { GGUFTensorInfo } from '@huggingface/gguf';
import { tensorBytes } from './ggml-types.ts';
import type { Metadata } from './facts.ts';

/** One file's header: what it says of the model, and how many bytes its tensors take. */
export interface Header {
  readonly metadata: Metadata;
  readonly tensorBytes: number;
  /** Names of `general.file_type` by number. */
  readonly fileTypes: Readonly<Record<number, string>>;
}

/** Says in a few words why a file is no usable GGUF. */
export class BadHeader extends Error {}

/** Headers of real models have up to 20 MB, nearly all of it vocabulary. */
const MOST_HEADER_BYTES = 32 * 1024 * 1024;
const MOST_TENSORS = 100_000n;
/** Magic, version, and the two counts. Source: docs/gguf.md in ggml. */
const FIXED_BYTES = 24;
/** Least that one tensor's description and one key with its value take: lengths, type and a byte. */
const LEAST_TENSOR_BYTES = 24n;
const LEAST_PAIR_BYTES = 13n;

/** True if the file begins as GGUF files do. */
export async function isGguf(file: FileHandle): Promise<boolean> {
  const start = Buffer.alloc(4);
  const { bytesRead } = await file.read(start, 0, 4, 0);
  return bytesRead === 4 && start.toString('latin1') === 'GGUF';
}

/**
 * Reads the header of an open file of `size` bytes. Throws a {@link BadHeader} if it is damaged, cut off, or made to
 * exhaust memory. Never reads more than 32 MiB, and never what another file by the same name holds by now.
 */
export async function readHeader(file: FileHandle, size: number): Promise<Header> {
  await refuseCounts(file, size);
  const { gguf, GGMLFileQuantizationType } = await import('@huggingface/gguf');
  const parsed = await gguf('https://file.invalid/', { fetch: rangesOf(file, size) }).catch((error: unknown) => {
    if (error instanceof BadHeader) throw error;
    throw new BadHeader(error instanceof RangeError ? 'its header ends in the middle' : messageOf(error));
  });
  const { metadata, tensorInfos, tensorDataOffset } = parsed;
  return {
    metadata: metadata as unknown as Metadata,
    tensorBytes: sizeOfTensors(tensorInfos, tensorDataOffset, BigInt(size)),
    fileTypes: GGMLFileQuantizationType as unknown as Readonly<Record<number, string>>,
  };
}

/** Counts that cannot be true would keep the parser busy for nothing. */
async function refuseCounts(file: FileHandle, size: number): Promise<void> {
  const start = Buffer.alloc(FIXED_BYTES);
  const { bytesRead } = await file.read(start, 0, FIXED_BYTES, 0);
  if (bytesRead < FIXED_BYTES) throw new BadHeader(`it has ${bytesRead} bytes, less than any header`);
  if (start.toString('latin1', 0, 4) !== 'GGUF') throw new BadHeader('it does not begin with "GGUF"');
  const version = start.readUInt32LE(4);
  if (version !== 2 && version !== 3) throw new BadHeader(`it has format version ${version}, and engines read 2 and 3`);
  const [tensors, pairs] = [start.readBigUInt64LE(8), start.readBigUInt64LE(16)];
  if (tensors > MOST_TENSORS || tensors * LEAST_TENSOR_BYTES + pairs * LEAST_PAIR_BYTES > BigInt(size)) {
    throw new BadHeader(`it claims ${tensors} tensors and ${pairs} keys, which its ${size} bytes cannot hold`);
  }
}

/** Serves byte ranges of the open file to a parser that asks for them as over HTTP; it guards against hostile counts there. */
function rangesOf(file: FileHandle, size: number): typeof fetch {
  let behind = 0;
  return async (_url, init) => {
    const asked = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get('range') ?? '');
    const [from, to] = [Number(asked?.[1] ?? 0), Number(asked?.[2] ?? 0) + 1];
    if (from >= MOST_HEADER_BYTES) throw new BadHeader(`its header is larger than ${MOST_HEADER_BYTES} bytes`);
    // The parser reads ahead: the first range behind the end is no fault, a second one is.
    if (from >= size && (behind += 1) > 1) throw new BadHeader('its header ends in the middle');
    const bytes = Buffer.alloc(Math.max(0, Math.min(to, size) - from));
    const { bytesRead } = bytes.length === 0 ? { bytesRead: 0 } : await file.read(bytes, 0, bytes.length, from);
    return new Response(bytes.subarray(0, bytesRead), { status: 206, headers: { 'content-range': `bytes ${from}-${to - 1}/${size}` } });
  };
}

/** Sum of the tensors' bytes. Throws if one of them, or the header itself, reaches behind the end of the file. */
function sizeOfTensors(tensors: readonly GGUFTensorInfo[], dataOffset: bigint, size: bigint): number {
  if (dataOffset > size && tensors.length > 0) throw new BadHeader('its header ends in the middle');
  let sum = 0n;
  for (const { name, dtype, shape, offset } of tensors) {
    if (name === '') throw new BadHeader('one of its tensors has no name');
    const bytes = tensorBytes(dtype, shape) ?? 0n;
    const missing = dataOffset + offset + bytes - size;
    if (missing > 0n)
      throw new BadHeader(`it is cut off: tensor ${JSON.stringify(name.slice(0, 80))} reaches ${missing} bytes behind its end`);
    sum += bytes;
  }
  return Number(sum);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
