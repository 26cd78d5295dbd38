import type { ModelSpec, Source } from '../domain/desired.ts';
import { isMix, labelIn, matchOf } from '../domain/quantization.ts';
import type { RemoteFile, LockedModel, Origin } from '../domain/weights.ts';
import type { Description } from './describe.ts';
import { lockedModel } from './locked.ts';
import { unusable, type Manifest } from './manifest.ts';

export type OllamaSource = Extract<Source, { kind: 'ollama' }>;

/** What was read of a tag, from its registry or from the store of a server that pulled it. */
export interface ReadTag {
  readonly source: OllamaSource;
  readonly manifest: Manifest;
  /** SHA-256 of the manifest as it was served, hex. */
  readonly digest: string;
  /** The quantization as the configuration tells it; null: it does not. */
  readonly fileType: string | null;
  readonly license: string | null;
  readonly description: Description;
  readonly origin: Origin;
}

/** Where a tag is fetched from. */
export function originOf({ host, name, tag }: OllamaSource): Extract<Origin, { kind: 'ollama' }> {
  return { kind: 'ollama', host, name, tag };
}

/** The weights of a tag, under the name that they get as a file. */
export function fileOf({ name, tag }: OllamaSource, { weights }: Manifest): RemoteFile {
  return { path: `${name.split('/')[1]}-${tag}.gguf`, bytes: weights.bytes, sha256: weights.sha256 };
}

/** The entry of the lock for a tag. Throws `manifest-unusable` for other weights than GGUF. */
export function lockedTag(model: ModelSpec, read: ReadTag): LockedModel {
  const { source, manifest, description } = read;
  if (description.facts === null) throw unusable(`${source.host}/${source.name}:${source.tag}`, 'has weights that are no GGUF file');
  const found = {
    revision: source.tag,
    label: mixIn(source.tag, model.quantizations),
    fileType: read.fileType,
    origin: read.origin,
    manifest: read.digest,
    files: [fileOf(source, manifest)],
    beside: manifest.beside,
    license: read.license,
  };
  return lockedModel(model, found, { ...description, chatTemplate: manifest.template?.sha256 ?? description.chatTemplate });
}

/** A publisher's mix is told by the tag alone, and registries that do not know it call it what it was made from: both are right. */
function mixIn(tag: string, wanted: readonly string[]): string | null {
  const label = labelIn(tag);
  const suits = label !== null && isMix(label) && (wanted.length === 0 || wanted.some((name) => matchOf(label, name) !== null));
  return suits ? label : null;
}

/** What the configuration of a model tells of its quantization; null: nothing. Throws `manifest-unusable` for other weights than GGUF. */
export function quantizationOfConfig(config: object, name: string): string | null {
  const { model_format: format, file_type: type } = config as { readonly model_format?: unknown; readonly file_type?: unknown };
  if (typeof format === 'string' && format !== '' && format !== 'gguf')
    throw unusable(name, `has weights in the form ${JSON.stringify(format.slice(0, 40))}, not as GGUF`);
  return typeof type === 'string' && /^[\w-]+$/.test(type) && type.toLowerCase() !== 'unknown' ? type.toUpperCase() : null;
}

/** The names of licenses, from their whole texts; null: there are none. */
export function licenseTitles(texts: readonly Buffer[]): string | null {
  const titles = texts.map((text) => titleOf(text.toString('utf8'))).filter((title) => title !== '');
  return titles.length === 0 ? null : titles.join('; ');
}

function titleOf(text: string): string {
  const [line = ''] = text.trim().split(/[\r\n]/);
  return line
    .replace(/[\s\x00-\x1f\x7f]+/g, ' ')
    .trim()
    .slice(0, 80);
}
