import { open, stat } from 'node:fs/promises';
import { factsOf } from '../catalog/facts.ts';
import { fingerprintsOf } from '../catalog/fingerprints.ts';
import type { Fingerprints } from '../catalog/fingerprints.ts';
import { BadHeader, isGguf, rangesOfFile, readHeader } from '../catalog/header.ts';
import type { Header } from '../catalog/header.ts';
import type { GgufFacts } from '../domain/desired.ts';
import { ProblemError } from '../domain/problem.ts';
import type { Beginning } from './remote-bytes.ts';

/** A file of weights whose header is to be read. */
export interface Part {
  /** For people, and for its ending. */
  readonly name: string;
  /** `first`: how many bytes are wanted at once. */
  open(first: number): Promise<Beginning>;
}

/** What headers tell. */
export interface Description extends Fingerprints {
  /** null: it is no GGUF. */
  readonly facts: GgufFacts | null;
}

/** What the parser of headers asks for at once. Headers have 1 to 10 MB, nearly all of it vocabulary. */
export const FIRST_BYTES = 2_000_000;
/** Enough for the header of any part but the first: it has tensors and no vocabulary. */
const LATER_BYTES = 256 * 1024;

/**
 * Reads the headers of a model, part by part and nothing else of them. Throws a ProblemError: `weights-corrupt`, and what
 * opening and reading throw.
 */
export async function describe(parts: readonly Part[]): Promise<Description> {
  const headers: Header[] = [];
  for (const [index, part] of parts.entries()) {
    const header = await headerOf(part, index === 0);
    if (header === null) return { facts: null, chatTemplate: null, tokenizer: null };
    headers.push(header);
  }
  const [first] = headers;
  if (!first) return { facts: null, chatTemplate: null, tokenizer: null };
  const tensorBytes = headers.reduce((sum, header) => sum + header.tensorBytes, 0);
  return { facts: factsOf(first.metadata, first.fileTypes, tensorBytes), ...fingerprintsOf(first.metadata) };
}

/** The beginning of a file of this machine. */
export async function openLocal(path: string): Promise<Beginning> {
  const { size } = await stat(path);
  const handle = await open(path, 'r');
  return { size, read: rangesOfFile(handle), close: () => handle.close() };
}

/** null: no GGUF, and not called one. */
async function headerOf(part: Part, isFirst: boolean): Promise<Header | null> {
  const beginning = await part.open(isFirst ? FIRST_BYTES : LATER_BYTES);
  try {
    if (!/\.gguf$/i.test(part.name) && !(await isGguf(beginning.read))) return null;
    return (isFirst ? null : await shortHeader(beginning)) ?? (await readHeader(beginning.read, beginning.size));
  } catch (error) {
    throw error instanceof BadHeader ? corrupt(part.name, error) : error;
  } finally {
    await beginning.close();
  }
}

/** A header that ends within the first bytes, read without fetching more; null: it does not. */
async function shortHeader({ read, size }: Beginning): Promise<Header | null> {
  const header = await readHeader(
    async (from, to) => (from >= LATER_BYTES ? new Uint8Array() : await read(from, Math.min(to, LATER_BYTES))),
    size,
  ).catch((error: unknown) => {
    if (error instanceof BadHeader) return null;
    throw error;
  });
  // What was not fetched is zeros to the parser: it may only count where none of it was needed.
  return header !== null && header.end <= LATER_BYTES ? header : null;
}

function corrupt(name: string, error: BadHeader): ProblemError {
  return new ProblemError(
    {
      code: 'weights-corrupt',
      summary: `${name} is no whole GGUF file where it is offered: ${error.message}. Nothing was changed.`,
      fix: 'Name another file or revision: this one was uploaded damaged.',
    },
    error,
  );
}
