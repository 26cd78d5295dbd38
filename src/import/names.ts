const LONGEST = 63;

/** Text as a name of llmops.yaml: lower-case letters, digits, `.`, `_`, `-`; at most 63; never empty. */
export function nameFrom(text: string, fallback: string): string {
  const name = cut(
    text
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9._]+/g, '-')
      .replace(/^[^a-z0-9]+/, ''),
    LONGEST,
  );
  return name === '' || name === 'constructor' ? fallback : name;
}

function cut(name: string, length: number): string {
  return name.slice(0, length).replace(/[^a-z0-9]+$/, '');
}

/**
 * A name for each wish, in their order, unique and stable: the first one keeps the plain name, others that would be called
 * the same get `-2`, `-3`. A wish that is a good name already keeps it, wherever it stands.
 */
export function uniqueNames(wishes: readonly string[], fallback: string): readonly string[] {
  const names = wishes.map((wish) => nameFrom(wish, fallback));
  const taken = new Map<string, number>();
  for (const [index, name] of names.entries()) if (name === wishes[index] && !taken.has(name)) taken.set(name, index);
  return names.map((name, index) => {
    let fresh = name;
    for (let n = 2; taken.has(fresh) && taken.get(fresh) !== index; n += 1) fresh = `${cut(name, LONGEST - String(n).length - 1)}-${n}`;
    taken.set(fresh, index);
    return fresh;
  });
}

/** `qwen3:8b` to `qwen3-8b`, `hf.co/owner/Repo-GGUF:Q4_K_M` to `Repo-GGUF-Q4_K_M`: what people would call it. `latest` is left out. */
export function plainModelName(full: string): string {
  const last = full.slice(full.lastIndexOf('/') + 1);
  return last.replace(/:latest$/, '').replace(':', '-');
}
