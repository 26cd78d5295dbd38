import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';

/** What the fake reads of weights: `GGUF` and a line of JSON. */
export interface FakeWeights {
  readonly architecture: string;
  readonly contextTrained: number;
  readonly layers: number;
  /** Makes files of equal facts differ. */
  readonly salt?: string;
  /** Default: they make text. */
  readonly embeds?: boolean;
  readonly quantization?: string;
  /** It sees for weights that lie beside it. */
  readonly projector?: boolean;
  /** Number of files that it is split into, and which one this is, from 0. */
  readonly split?: { readonly count: number; readonly no: number };
}

const USUAL: FakeWeights = { architecture: 'llama', contextTrained: 1024, layers: 4 };

/** The bytes of weights that the fake takes. */
export function fakeWeights(facts: Partial<FakeWeights> = {}): Buffer {
  return Buffer.from(`GGUF${JSON.stringify({ ...USUAL, ...facts })}`);
}

/** Writes {@link fakeWeights} to a file. Returns its path. */
export function writeFakeWeights(path: string, facts: Partial<FakeWeights> = {}): string {
  writeFileSync(path, fakeWeights(facts));
  return path;
}

/** Reads weights, or throws an Error with the words of Ollama 0.34.4. */
export function readFakeWeights(bytes: Buffer): FakeWeights {
  if (bytes.length < 5) throw new Error('EOF');
  if (bytes.subarray(0, 4).toString() !== 'GGUF') throw new Error(`unsupported file type [${[...bytes.subarray(0, 4)].join(' ')}]`);
  let facts: FakeWeights;
  try {
    facts = JSON.parse(bytes.subarray(4).toString()) as FakeWeights;
  } catch {
    throw new Error('unsupported tensor "blk.1.ffn_up.weight" offset+size exceeds file size');
  }
  if (facts.quantization?.startsWith('TQ')) throw new Error('unsupported tensor "token_embd.weight" size overflows');
  return facts;
}

/** SHA-256, hex. */
export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
