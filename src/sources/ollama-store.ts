import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelSpec } from '../domain/desired.ts';
import type { LockedModel, Origin } from '../domain/weights.ts';
import { describe, openLocal } from './describe.ts';
import { lockedModel, refuseUndeclared, sha256 } from './locked.ts';
import { readManifest, unusable, type Layer } from './manifest.ts';
import { licenseTitles, mixIn, quantizationOfConfig } from './registry.ts';

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
  const small = (layer: Layer): Promise<Buffer | null> => (layer.bytes > MOST_TEXT_BYTES ? Promise.resolve(null) : readFile(blob(layer)));
  const config = told.config && (await small(told.config));
  const description = await describe([{ name, open: () => openLocal(blob(told.weights)) }]);
  if (description.facts === null) throw unusable(name, 'has weights that are no GGUF file');
  const licenses = (await Promise.all(told.licenses.map(small))).filter((license) => license !== null);
  const origin: Origin = { kind: 'ollama', host: source.host, name: source.name, tag: source.tag };
  const found = {
    revision: source.tag,
    label: mixIn(source.tag, model.quantizations),
    fileType: config && quantizationOfConfig(JSON.parse(config.toString('utf8')) as object, name),
    origin,
    manifest,
    files: [{ path: `${source.name.split('/')[1]}-${source.tag}.gguf`, bytes: told.weights.bytes, sha256: told.weights.sha256 }],
    beside: told.beside,
    license: licenseTitles(licenses),
  };
  const locked = lockedModel(model, found, { ...description, chatTemplate: told.template?.sha256 ?? description.chatTemplate });
  refuseUndeclared(model, locked);
  return locked;
}
