import { blobDigest, type OllamaModel } from './shown.ts';

/** Where a model's weights can be had again. */
export type Provenance =
  /** `source` of llmops.yaml; `base`: the model here whose settings it starts from, null: it is not here. */
  | { readonly kind: 'registry'; readonly source: string; readonly base: OllamaModel | null; readonly derived: boolean }
  /** It was made on the server from a file. `place`: a registry that its name speaks of, which may have it; null: none. */
  | { readonly kind: 'local'; readonly path: string | null; readonly place: string | null };

/** A name of Ollama's in its longest form, without case: names are matched like that. */
export function fullName(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1);
  const tagged = last.includes(':') ? name : `${name}:latest`;
  return tagged
    .replace(/^registry\.ollama\.ai\//i, '')
    .replace(/^library\//i, '')
    .toLowerCase();
}

/**
 * Finds out where a model came from. A registry's name in it, or a namespace, tells; a bare name is the library's if it
 * brought a licence, as its models do; else it was made here.
 */
export function provenanceOf(model: OllamaModel, all: ReadonlyMap<string, OllamaModel>): Provenance {
  const { root, depth } = rootOf(model, all);
  const absent = root.parent !== null && isModelName(root.parent) && !isSelf(root.parent, root) ? root.parent : null;
  if (absent !== null && !hasPlace(root.name)) return { kind: 'registry', source: sourceOf(absent), base: null, derived: true };
  if (hasPlace(root.name) || root.licensed || !root.shown)
    return { kind: 'registry', source: sourceOf(root.name), base: root, derived: depth > 0 };
  const place = hasPlace(model.name) ? sourceOf(model.name) : null;
  return { kind: 'local', path: root.blobs.length === 1 ? (root.blobs[0] as string) : null, place };
}

/** The first ancestor that is here and has the same weights. */
function rootOf(model: OllamaModel, all: ReadonlyMap<string, OllamaModel>): { readonly root: OllamaModel; readonly depth: number } {
  const seen = new Set([model]);
  let root = model;
  for (;;) {
    const parent = root.parent === null ? undefined : all.get(fullName(root.parent));
    if (parent === undefined || seen.has(parent) || parent.cloud || !sameWeights(root, parent)) return { root, depth: seen.size - 1 };
    seen.add(parent);
    root = parent;
  }
}

function sameWeights(a: OllamaModel, b: OllamaModel): boolean {
  const [one, other] = [a, b].map(({ blobs }) => blobDigest(blobs[0] ?? ''));
  return one === other || one === null || other === null;
}

function isSelf(parent: string, model: OllamaModel): boolean {
  return fullName(parent) === fullName(model.name);
}

/** A host or a namespace before the model: only what was pulled is called so, or what is to be pushed there. */
function hasPlace(name: string): boolean {
  return fullName(name).includes('/');
}

/** False for files: models that were made from one have its name or path as their parent. */
function isModelName(parent: string): boolean {
  return !/^[/\\.~]|^[A-Za-z]:[/\\]|\.(gguf|bin|safetensors)$|sha256[-:]/i.test(parent);
}

function sourceOf(name: string): string {
  return `ollama:${name}`;
}
