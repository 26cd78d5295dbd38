import type { Json } from '../../../domain/desired.ts';
import { fullName, shortName } from '../names.ts';
import { readFakeWeights, sha256, type FakeWeights } from './weights.ts';

/** One part of a manifest. */
export interface Layer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  /** What it was taken from; absent: pulled, or made here. */
  readonly from?: string;
}

interface Manifest {
  /** As the user wrote it first: names that differ in case only are one. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly digest: string;
  readonly config: Layer;
  readonly layers: readonly Layer[];
  readonly modifiedAt: number;
}

/** A model with all of its parts read. */
export interface Model {
  readonly name: string;
  readonly digest: string;
  readonly modifiedAt: number;
  readonly size: number;
  /** Paths of its weights: they are what a runner is known by. */
  readonly paths: readonly string[];
  readonly facts: FakeWeights;
  readonly options: Readonly<Record<string, Json>>;
  readonly template: string;
  readonly system: string;
  readonly license: readonly string[];
  readonly parent: string;
  /** Path of what sees; null: nothing. */
  readonly projector: string | null;
  readonly config: Config;
}

/** What stands in a manifest's config, besides the facts of its weights. */
export interface Config {
  readonly renderer?: string;
  readonly parser?: string;
  readonly requires?: string;
}

const IMAGE = 'application/vnd.ollama.image.';
export const MODEL = `${IMAGE}model`;
export const PROJECTOR = `${IMAGE}projector`;
export const CONFIG = 'application/vnd.docker.container.image.v1+json';
const TYPES = { template: `${IMAGE}template`, system: `${IMAGE}system`, license: `${IMAGE}license`, params: `${IMAGE}params` };

/** Manifests by name, blobs by digest, as Ollama keeps them on disk; in memory here. */
export class Store {
  readonly blobs = new Map<string, Buffer>();
  readonly #manifests = new Map<string, Manifest>();
  #clock = Date.now();

  /** Adds a blob; returns it as a layer. */
  add(bytes: Buffer, mediaType: string, from?: string): Layer {
    const digest = `sha256:${sha256(bytes)}`;
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length, ...(from !== undefined && { from }) };
  }

  /** Writes a manifest that was made here. It ends in a line feed, unlike the ones of registries. */
  write(name: string, config: Layer, layers: readonly Layer[]): void {
    this.put(name, Buffer.from(`${JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers })}\n`));
  }

  /** Writes the bytes of a manifest as they came. */
  put(name: string, bytes: Buffer): void {
    const { config, layers } = JSON.parse(bytes.toString()) as Pick<Manifest, 'config' | 'layers'>;
    const before = this.#manifests.get(fullName(name));
    this.#clock += 1;
    const manifest: Manifest = {
      name: before?.name ?? this.#spelled(name),
      bytes,
      digest: sha256(bytes),
      config,
      layers,
      modifiedAt: this.#clock,
    };
    this.#manifests.set(fullName(name), manifest);
    if (before) this.#prune(before);
  }

  /** A name is spelled as its first tag was; the tag as it is written now. */
  #spelled(name: string): string {
    const [model, tag] = parts(displayed(name));
    const sibling = [...this.#manifests.values()].find((each) => parts(fullName(each.name))[0] === parts(fullName(name))[0]);
    return `${sibling === undefined ? model : parts(displayed(sibling.name))[0]}:${tag}`;
  }

  manifest(name: string): Manifest | null {
    return this.#manifests.get(fullName(name)) ?? null;
  }

  /** False: there is no model of the first name. */
  copy(from: string, to: string): boolean {
    const manifest = this.manifest(from);
    if (manifest !== null && fullName(from) !== fullName(to)) this.put(to, manifest.bytes);
    return manifest !== null;
  }

  /** Takes the name, and blobs that nobody else uses. What runs goes on running. */
  remove(name: string): boolean {
    const manifest = this.manifest(name);
    this.#manifests.delete(fullName(name));
    if (manifest) this.#prune(manifest);
    return manifest !== null;
  }

  #prune(gone: Manifest): void {
    const used = new Set([...this.#manifests.values()].flatMap(digestsOf));
    for (const digest of digestsOf(gone)) if (!used.has(digest)) this.blobs.delete(digest);
  }

  /** The newest first. */
  models(): readonly Model[] {
    return [...this.#manifests.values()].sort((a, b) => b.modifiedAt - a.modifiedAt).map((manifest) => this.#read(manifest));
  }

  model(name: string): Model | null {
    const manifest = this.manifest(name);
    return manifest && this.#read(manifest);
  }

  #read({ name, digest, config, layers, modifiedAt }: Manifest): Model {
    const texts = (type: string): readonly string[] =>
      layers.filter(({ mediaType }) => mediaType === type).map((layer) => String(this.blobs.get(layer.digest)));
    const weights = layers.filter(({ mediaType }) => mediaType === MODEL);
    const projector = layers.find(({ mediaType }) => mediaType === PROJECTOR);
    const pathOf = (layer: Layer) => `/models/blobs/${layer.digest.replace(':', '-')}`;
    const first = this.blobs.get(weights[0]?.digest ?? '');
    const size = [config, ...layers].reduce((bytes, layer) => bytes + layer.size, 0);
    return {
      name: displayed(name),
      digest,
      modifiedAt,
      size,
      paths: weights.map(pathOf),
      facts: first === undefined ? { architecture: 'gone', contextTrained: 0, layers: 0 } : readFakeWeights(first),
      options: JSON.parse(texts(TYPES.params)[0] ?? '{}') as Record<string, Json>,
      template: texts(TYPES.template)[0] ?? '{{ .Prompt }}',
      system: texts(TYPES.system)[0] ?? '',
      license: texts(TYPES.license),
      parent: weights[0]?.from ?? '',
      projector: projector === undefined ? null : pathOf(projector),
      config: this.configIn(config),
    };
  }

  /** What a config layer says. */
  configIn({ digest }: Layer): Config {
    return JSON.parse(String(this.blobs.get(digest) ?? '{}')) as Config;
  }

  /** What `create` does with template, system, licence and parameters: others replace, licences add up, parameters merge. */
  dress(base: readonly Layer[], change: Dress): readonly Layer[] {
    let layers = base;
    const replace = (type: string, text: string | undefined): void => {
      if (!text) return;
      layers = [...layers.filter(({ mediaType }) => mediaType !== type), this.add(Buffer.from(text), type)];
    };
    replace(TYPES.template, change.template);
    replace(TYPES.system, change.system);
    for (const text of [change.license ?? []].flat()) layers = [...layers, this.add(Buffer.from(text), TYPES.license)];
    if (Object.keys(change.parameters ?? {}).length > 0) {
      const inherited = layers.filter(({ mediaType }) => mediaType === TYPES.params).map(({ digest }) => String(this.blobs.get(digest)));
      const merged = { ...(JSON.parse(inherited[0] ?? '{}') as object), ...change.parameters };
      const sorted = Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)));
      replace(TYPES.params, `${JSON.stringify(sorted)}\n`);
    }
    return layers;
  }
}

/** What a request to `create` changes of its base. */
export interface Dress {
  readonly template?: string;
  readonly system?: string;
  readonly license?: string | readonly string[];
  readonly parameters?: Readonly<Record<string, Json>>;
}

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

function digestsOf({ config, layers }: Manifest): readonly string[] {
  return [config, ...layers].map(({ digest }) => digest);
}

/** As lists show it: shortest, with its tag, in the case in which it was made. */
function displayed(name: string): string {
  const short = shortName(name);
  const written = name.slice(name.toLowerCase().indexOf(short.split(':')[0] as string));
  return written.lastIndexOf(':') > written.lastIndexOf('/') ? written : `${written}:latest`;
}

function parts(name: string): readonly [string, string] {
  const colon = name.lastIndexOf(':');
  return [name.slice(0, colon), name.slice(colon + 1)];
}
