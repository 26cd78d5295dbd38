import type { FileHandle } from 'node:fs/promises';
import type { GGUFTensorInfo } from '@huggingface/gguf';
import { tensorBytes } from './ggml-types.ts';
import type { Metadata } from './facts.ts';

/** One file's header: what it says of the model, and how many bytes its tensors take. */
export interface Header {
  readonly metadata: Metadata;
  readonly tensorBytes: number;
  /** Bytes from the beginning up to the end of the last tensor's description: all that was needed. */
  readonly end: number;
  /** Names of `general.file_type` by number. */
  readonly fileTypes: Readonly<Record<number, string>>;
}

/** Says in a few words why a file is no usable GGUF. */
export class BadHeader extends Error {}

/** Gives the bytes from `from` on, up to `to` (not included); fewer where there are no more. What it throws is passed on. */
export type ReadRange = (from: number, to: number) => Promise<Uint8Array>;

/** Reads ranges of an open file. */
export function rangesOfFile(file: FileHandle): ReadRange {
  return async (from, to) => {
    const bytes = Buffer.alloc(to - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    return bytes.subarray(0, bytesRead);
  };
}

/** Headers of real models have up to 20 MB, nearly all of it vocabulary. */
const MOST_HEADER_BYTES = 32 * 1024 * 1024;
const MOST_TENSORS = 100_000n;
/** Magic, version, and the two counts. Source: docs/gguf.md in ggml. */
const FIXED_BYTES = 24;
/** Least that one tensor's description and one key with its value take: lengths, type and a byte. */
const LEAST_TENSOR_BYTES = 24n;
const LEAST_PAIR_BYTES = 13n;

/** True if the file begins as GGUF files do. */
export async function isGguf(read: ReadRange): Promise<boolean> {
  return Buffer.from(await read(0, 4)).toString('latin1') === 'GGUF';
}

/**
 * Reads the header of a file of `size` bytes. Throws a {@link BadHeader} if it is damaged, cut off, or made to exhaust
 * memory, and whatever `read` throws. Never reads more than 32 MiB.
 */
export async function readHeader(read: ReadRange, size: number): Promise<Header> {
  await refuseCounts(read, size);
  const { gguf, GGMLFileQuantizationType } = await import('@huggingface/gguf');
  const served = serve(read, size);
  const parsed = await gguf('https://file.invalid/', { fetch: served.fetch }).catch((error: unknown) => {
    if (error instanceof BadHeader) throw error;
    if (served.failure() !== null) throw served.failure();
    throw new BadHeader(error instanceof RangeError ? 'its header ends in the middle' : messageOf(error));
  });
  const { metadata, tensorInfos, tensorDataOffset, tensorInfoByteRange } = parsed;
  return {
    metadata: metadata as unknown as Metadata,
    tensorBytes: sizeOfTensors(tensorInfos, tensorDataOffset, BigInt(size)),
    end: tensorInfoByteRange[1],
    fileTypes: GGMLFileQuantizationType as unknown as Readonly<Record<number, string>>,
  };
}

/** Counts that cannot be true would keep the parser busy for nothing. */
async function refuseCounts(read: ReadRange, size: number): Promise<void> {
  const start = Buffer.from(await read(0, FIXED_BYTES));
  if (start.length < FIXED_BYTES) throw new BadHeader(`it has ${start.length} bytes, less than any header`);
  if (start.toString('latin1', 0, 4) !== 'GGUF') throw new BadHeader('it does not begin with "GGUF"');
  const version = start.readUInt32LE(4);
  if (version !== 2 && version !== 3) throw new BadHeader(`it has format version ${version}, and engines read 2 and 3`);
  const [tensors, pairs] = [start.readBigUInt64LE(8), start.readBigUInt64LE(16)];
  if (tensors > MOST_TENSORS || tensors * LEAST_TENSOR_BYTES + pairs * LEAST_PAIR_BYTES > BigInt(size)) {
    throw new BadHeader(`it claims ${tensors} tensors and ${pairs} keys, which its ${size} bytes cannot hold`);
  }
}

/** Serves byte ranges to a parser that asks for them as over HTTP; it guards against hostile counts there. */
function serve(read: ReadRange, size: number): { readonly fetch: typeof fetch; failure(): unknown } {
  let behind = 0;
  let failed: unknown = null;
  const answer: typeof fetch = async (_url, init) => {
    const asked = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get('range') ?? '');
    const [from, to] = [Number(asked?.[1] ?? 0), Number(asked?.[2] ?? 0) + 1];
    if (from >= MOST_HEADER_BYTES) throw new BadHeader(`its header is larger than ${MOST_HEADER_BYTES} bytes`);
    // The parser reads ahead: the first range behind the end is no fault, a second one is.
    if (from >= size && (behind += 1) > 1) throw new BadHeader('its header ends in the middle');
    const bytes =
      from >= size
        ? new Uint8Array()
        : await read(from, Math.min(to, size)).catch((error: unknown) => {
            failed = error;
            throw error;
          });
    return new Response(new Uint8Array(bytes), { status: 206, headers: { 'content-range': `bytes ${from}-${to - 1}/${size}` } });
  };
  return { fetch: answer, failure: () => failed };
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
