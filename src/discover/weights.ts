import type { Dirent } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A GGUF file with weights of a whole model, or the first file of one that is split. */
export interface FoundWeights {
  /** Relative to the folder that was searched, with forward slashes. */
  readonly path: string;
  /** Of all its parts. */
  readonly bytes: number;
}

/** Folders below the searched one, and how deep each is looked through. */
const PLACES = [
  { folder: '', depth: 0 },
  { folder: 'models', depth: 3 },
  { folder: 'examples/models', depth: 3 },
] as const;

/** A folder full of other things must not hold up `init`. */
const MOST_ENTRIES = 5000;
const MOST_FILES = 100;

/** `name-00002-of-00005.gguf`, as llama.cpp's gguf-split names the parts. */
const PART = /-(\d{5})-of-(\d{5})\.gguf$/i;

/** Looks for weights in `root`, `root/models` and `root/examples/models`, sorted by path. Unreadable folders count as empty. */
export async function findWeights(root: string, signal: AbortSignal): Promise<readonly FoundWeights[]> {
  const budget = { entries: MOST_ENTRIES };
  const paths: string[] = [];
  for (const { folder, depth } of PLACES) paths.push(...(await ggufFiles(root, folder, depth, budget, signal)));
  const sized: FoundWeights[] = [];
  for (const path of paths.slice(0, MOST_FILES)) {
    const bytes = await sizeOfGguf(join(root, path));
    if (bytes !== null) sized.push({ path, bytes });
  }
  return joinParts(sized).sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function ggufFiles(root: string, folder: string, depth: number, budget: { entries: number }, signal: AbortSignal): Promise<string[]> {
  const entries: Dirent[] = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (signal.aborted || budget.entries-- <= 0) break;
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    if (isModelName(entry.name) && (entry.isFile() || entry.isSymbolicLink())) found.push(path);
    // Linked folders are left alone: they may lead round in circles.
    else if (entry.isDirectory() && depth > 0 && !entry.name.startsWith('.'))
      found.push(...(await ggufFiles(root, path, depth - 1, budget, signal)));
  }
  return found;
}

/** Projectors (`mmproj-…`) and bare vocabularies end in .gguf too, and cannot be served. */
function isModelName(name: string): boolean {
  return /\.gguf$/i.test(name) && !/mmproj|ggml-vocab/i.test(name) && !name.startsWith('.');
}

/** Size in bytes; null: not a file that begins as GGUF does. Source: ggml/docs/gguf.md, `magic`. */
async function sizeOfGguf(file: string): Promise<number | null> {
  try {
    const info = await stat(file);
    if (!info.isFile()) return null;
    const handle = await open(file);
    try {
      const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
      return buffer.toString('latin1') === 'GGUF' ? info.size : null;
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}

/** One entry for a model in several files: the first part, with the size of all. Models with a part missing are left out. */
function joinParts(files: readonly FoundWeights[]): FoundWeights[] {
  const stem = (file: FoundWeights): string => file.path.replace(PART, '');
  return files.flatMap((file) => {
    const [, number, count] = PART.exec(file.path) ?? [];
    if (number === undefined) return [file];
    if (number !== '00001') return [];
    const group = files.filter((other) => PART.test(other.path) && stem(other) === stem(file));
    return group.length === Number(count) ? [{ path: file.path, bytes: group.reduce((sum, part) => sum + part.bytes, 0) }] : [];
  });
}
