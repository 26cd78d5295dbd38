import { existsSync } from 'node:fs';
import type { Desired } from '../domain/desired.ts';
import { ProblemError } from '../domain/problem.ts';
import type { ImportedStore } from '../import/index.ts';
import { writeLockFile } from './lock/write.ts';
import { lockPathOf, type StackPaths } from '../stack/paths.ts';

/** What became of llmops.lock in an import. */
export interface ImportedLock {
  /** Models that it pins now, as they are on the server. */
  readonly pinned: readonly string[];
  /** Models that `llmops lock` has to look up. */
  readonly open: readonly string[];
}

/**
 * Pins what an Ollama server of this machine has, from its own store: as it runs, and not as its registry would give it now. Asks no
 * network. A lock that is there already is left alone. Throws as `writeLockFile` does.
 */
export async function lockImported(desired: Desired, store: ImportedStore | undefined, paths: StackPaths): Promise<ImportedLock> {
  const fetched = desired.models.filter(({ source }) => source.kind !== 'file').map(({ name }) => name);
  if (store === undefined || fetched.length === 0 || existsSync(lockPathOf(paths.file))) return { pinned: [], open: fetched };
  const [{ lockModels }, { resolveStored }] = await Promise.all([import('../lock/index.ts'), import('../sources/index.ts')]);
  const backend = desired.backends[0]?.name ?? 'ollama';
  const empty = { models: {}, engines: store.engine === null ? {} : { [backend]: store.engine } };
  const { lock } = await lockModels(
    desired,
    empty,
    async (model) => {
      const manifest = model.source.kind === 'ollama' ? store.manifests[nameOf(model.source)] : undefined;
      const locked = manifest === undefined ? null : await resolveStored(model, manifest, store);
      // Told nowhere: it is then `llmops lock`'s to look up.
      if (locked === null)
        throw new ProblemError({ code: 'source-unreachable', summary: `${model.name} is not in the server's own store.` });
      return locked;
    },
    fetched,
  );
  const pinned = Object.keys(lock.models);
  if (pinned.length > 0) await writeLockFile(paths, null, lock);
  return { pinned, open: fetched.filter((name) => !pinned.includes(name)) };
}

/** As the server lists it, in its longest form and in lower case, without what every name of the library begins with. */
function nameOf({ host, name, tag }: { readonly host: string; readonly name: string; readonly tag: string }): string {
  const folder = host === 'registry.ollama.ai' ? '' : `${host}/`;
  const short = folder === '' ? name.replace(/^library\//, '') : name;
  return `${folder}${short}:${tag}`.toLowerCase();
}
