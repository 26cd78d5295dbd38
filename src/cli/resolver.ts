import { mkdir } from 'node:fs/promises';
import type { ModelSpec } from '../domain/desired.ts';
import { ProblemError } from '../domain/problem.ts';
import type { LockedModel } from '../domain/weights.ts';
import type { FetchUnknown } from '../sources/index.ts';
import type { CliContext } from './context.ts';
import { noteIn } from '../stack/surroundings.ts';
import type { Session } from '../stack/session.ts';
import { insecureRegistries, storeOf } from '../stack/store.ts';

/** Looks up what a source is now: a file on this disk, everything else over the network. Says on stderr what takes long. */
export function resolver(session: Session, context: CliContext): (model: ModelSpec) => Promise<LockedModel> {
  return (model) => (model.source.kind === 'file' ? fromDisk(model, session, context) : fromNetwork(model, session, context));
}

async function fromDisk(model: ModelSpec, session: Session, context: CliContext): Promise<LockedModel> {
  const { lockFile } = await import('../catalog/index.ts');
  const note = noteIn(context);
  await mkdir(session.cacheDir, { recursive: true, mode: 0o700 }).catch(() => undefined); // a cache that cannot be kept is only slower
  return lockFile(model, {
    baseDir: session.paths.baseDir,
    cacheDir: session.cacheDir,
    allowOutside: session.desired.allowOutside ?? false,
    signal: context.signal,
    progress: (done) => note.show(`reading the weights of ${model.name}: ${Math.floor(done / 2 ** 20)} MiB`),
  }).finally(() => note.clear());
}

async function fromNetwork(model: ModelSpec, session: Session, context: CliContext): Promise<LockedModel> {
  const { resolveSource } = await import('../sources/index.ts');
  return resolveSource(model, {
    env: context.env,
    signal: context.signal,
    insecureRegistries: insecureRegistries(session.desired),
    fetchUnknown: unknownFetcher(model, context),
  });
}

/** A file that nobody can tell the digest of is fetched to learn it: it is kept, so that the apply finds it. */
function unknownFetcher({ name: model }: ModelSpec, context: CliContext): FetchUnknown {
  return async (name, { url, headers, tokenHint }) => {
    const store = await storeOf(context);
    const note = noteIn(context);
    const download = { url, headers, what: name, ...(tokenHint === null ? {} : { tokenVariable: tokenHint }) };
    const file = await store
      .fetchUnknown(name, download, {
        signal: context.signal,
        progress: (done, total) =>
          note.show(`${model}: fetching ${name} to learn its digest${total > 0 ? `, ${Math.floor((100 * done) / total)} %` : ''}`),
      })
      .finally(() => note.clear());
    const localPath = await store.find(file);
    if (localPath === null)
      throw new ProblemError({
        code: 'weights-not-here',
        summary: `The weights ${name} were fetched and are gone again: somebody removed them.`,
        fix: 'Run the same command again.',
      });
    return { ...file, localPath };
  };
}
