import { basename, join } from 'node:path';
import type { Fetch } from '../apply/index.ts';
import type { StepIo } from '../domain/backend.ts';
import type { Desired } from '../domain/desired.ts';
import type { Origin, RemoteFile } from '../domain/weights.ts';
import type { Download, Store } from '../store/index.ts';
import type { Surroundings } from './surroundings.ts';
import { cacheDirOf } from './paths.ts';

/** The store of weights that all stacks of this user share. */
export async function storeOf(context: Surroundings): Promise<Store> {
  const { openStore } = await import('../store/index.ts');
  return openStore({ dir: join(cacheDirOf(context), 'weights'), env: context.env });
}

/** How an apply brings weights to this machine: into the store, then to where the engine opens them. */
export function fetcher(desired: Desired, context: Surroundings): Fetch {
  let opened: Promise<Store> | undefined; // one for all models, which share its lanes and its disk
  return async ({ origin, files }, io) => {
    const [{ fetchAll }, store] = await Promise.all([import('../store/index.ts'), (opened ??= storeOf(context))]);
    const wanted = await Promise.all(files.map(async (file) => ({ file, download: await downloadOf(origin, file, desired, context) })));
    await announce(store, files, io);
    await fetchAll(store, wanted, {
      signal: io.signal,
      progress: ({ file, done, total }) => io.transfer(basename(file.path), done, total),
      note: (message) => io.progress(message),
    });
    await store.link(files);
  };
}

/** Every file is told before the first one moves: a total that grows with each file that begins would run backwards. */
async function announce(store: Store, files: readonly RemoteFile[], io: StepIo): Promise<void> {
  const each = new Map(files.map((file) => [file.sha256, file]));
  for (const file of each.values()) {
    const isHere = (await store.find(file, { signal: io.signal })) !== null;
    io.transfer(basename(file.path), isHere ? file.bytes : await store.partialBytes(file), file.bytes);
  }
}

async function downloadOf(origin: Origin, file: RemoteFile, desired: Desired, context: Surroundings): Promise<Download> {
  const { requestFor } = await import('../sources/index.ts');
  const { url, headers, tokenHint, login } = requestFor(origin, file, context.env, insecureRegistries(desired));
  return {
    url,
    headers,
    what: whatFor(origin, file),
    ...(tokenHint === null ? {} : { tokenVariable: tokenHint }),
    ...(login && { login }),
  };
}

/** For people: holds no secret, and names what they wrote. */
function whatFor(origin: Origin, { path }: RemoteFile): string {
  switch (origin.kind) {
    case 'hf':
      return `hf:${origin.repo}@${origin.commit.slice(0, 7)}/${path}`;
    case 'https':
      return origin.url;
    case 'ollama':
      return `ollama:${origin.host}/${origin.name} (${path})`;
  }
}

/** Registries that a backend of this stack allows to be asked without encryption. */
export function insecureRegistries({ backends }: Pick<Desired, 'backends'>): readonly string[] {
  return backends.flatMap(({ options }) => {
    const hosts = options['insecureRegistries'];
    return Array.isArray(hosts) ? hosts.filter((host) => typeof host === 'string') : [];
  });
}
