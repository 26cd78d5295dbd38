import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Artifact, ModelSpec } from '../domain/desired.ts';
import type { LockedModel, RemoteFile } from '../domain/weights.ts';

/** Where fetched weights are kept on this machine, as far as resolving needs to know it. */
export interface Shelf {
  /** A whole file with this content; null: it is not here. */
  find(file: RemoteFile): Promise<string | null>;
  /** Bytes of it that an earlier, cut-off run fetched. */
  partialBytes(file: RemoteFile): Promise<number>;
  /** Where an engine opens these files once they are here; known before they are. */
  pathOf(files: readonly RemoteFile[]): string;
}

/** What llmops.lock pins, by model, and where such weights are kept. */
export interface Pinned {
  readonly locked: Readonly<Record<string, LockedModel>>;
  readonly shelf: Shelf;
}

/** A model whose weights are pinned, as it is on this machine now: all of it, some of it, or nothing yet. Asks no network. */
export async function pinnedArtifact(model: ModelSpec, locked: LockedModel, shelf: Shelf): Promise<Artifact> {
  const { files, sha256, facts, origin, manifest, beside } = locked;
  if (origin === null) throw new Error(`${model.name} is pinned as a file of this machine`);
  const found = await Promise.all(files.map((file) => shelf.find(file)));
  const missing = files.filter((_, index) => found[index] === null);
  const partial = await Promise.all(missing.map((file) => shelf.partialBytes(file)));
  const opens = shelf.pathOf(files);
  return {
    source: model.source.written,
    path: opens,
    bytes: sum(files.map(({ bytes }) => bytes)),
    sha256,
    gguf: facts,
    remote: {
      origin,
      manifest,
      files,
      ...(beside && { beside }),
      missing,
      ready: missing.length === 0 && (await areThere(opens, files)),
      partialBytes: sum(partial),
      ...(found[0] == null ? {} : { here: found[0] }),
    },
  };
}

/** Parts of a split model lie side by side under their own names. */
async function areThere(first: string, files: readonly RemoteFile[]): Promise<boolean> {
  const there = files.map((file) => stat(path.join(path.dirname(first), path.basename(file.path))).then(({ size }) => size === file.bytes));
  return (await Promise.allSettled(there)).every((result) => result.status === 'fulfilled' && result.value);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
