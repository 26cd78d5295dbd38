import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelSpec } from '../domain/desired.ts';
import type { LockedModel } from '../domain/weights.ts';
import { describe, openLocal } from './describe.ts';
import { refuseUndeclared, sha256 } from './locked.ts';
import { readManifest, type Layer } from './manifest.ts';
import { licenseTitles, lockedTag, originOf, quantizationOfConfig } from './tag.ts';

/** What an Ollama server keeps on this machine: `manifests/<host>/<namespace>/<model>/<tag>` and `blobs/sha256-<hex>`. */
export interface OllamaStore {
  /** The folder of both: OLLAMA_MODELS. */
  readonly folder: string;
}

const MOST_TEXT_BYTES = 1024 * 1024;

/**
 * What a tag stands for on a server of this machine, so that what runs is pinned as it is, whatever the registry has by now. Asks no
 * network. `manifest`: the digest that the server gave to the tag. null: another manifest lies there, or the store cannot be read.
 * Throws what {@link refuseUndeclared} throws.
 */
export async function resolveStored(model: ModelSpec, manifest: string, { folder }: OllamaStore): Promise<LockedModel | null> {
  const { source } = model;
  if (source.kind !== 'ollama') return null;
  const name = `${source.host}/${source.name}:${source.tag}`;
  const text = await readFile(join(folder, 'manifests', source.host, ...source.name.split('/'), source.tag)).catch(() => null);
  if (text === null || sha256(text) !== manifest) return null;
  const told = readManifest(JSON.parse(text.toString('utf8')) as object, name);
  const blob = ({ sha256: digest }: Layer): string => join(folder, 'blobs', `sha256-${digest}`);
  const small = (layer: Layer): Promise<Buffer | null> => readSmall(blob(layer), layer);
  const config = told.config && (await small(told.config));
  if (told.config !== null && config === null) return null;
  const opened = await openLocal(blob(told.weights)).catch(() => null);
  if (opened === null) return null;
  const description = await describe([{ name, open: () => Promise.resolve(opened) }]);
  const licenses = (await Promise.all(told.licenses.map(small))).filter((license) => license !== null);
  const locked = lockedTag(model, {
    source,
    manifest: told,
    digest: manifest,
    fileType: config && quantizationOfConfig(JSON.parse(config.toString('utf8')) as object, name),
    license: licenseTitles(licenses),
    description,
    origin: originOf(source),
  });
  refuseUndeclared(model, locked);
  return locked;
}

/** A small blob; null: it cannot be read, is too large, or is not what its name says. */
async function readSmall(path: string, { bytes, sha256: digest }: Layer): Promise<Buffer | null> {
  const read = bytes > MOST_TEXT_BYTES ? null : await readFile(path).catch(() => null);
  return read !== null && sha256(read) === digest ? read : null;
}
