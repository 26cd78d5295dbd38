import type { StoredFile, Store } from '../store/index.ts';
import { approve, mustBeAbleToAsk } from './ask.ts';
import { forgetStacks } from './cache/forget.ts';
import { weightsInUse, type InUse } from './cache/in-use.ts';
import type { CliContext, StackFlags } from './context.ts';
import { ProblemError } from '../domain/problem.ts';
import { EXIT } from './exit.ts';
import { printProblems } from './failure.ts';
import { noteIn } from '../stack/surroundings.ts';
import { print, printJson, screenOf } from './screen.ts';
import { storeOf } from '../stack/store.ts';

interface CacheFlags extends StackFlags {
  readonly all?: boolean;
  readonly forget?: readonly string[];
  readonly autoApprove?: boolean;
  readonly json?: boolean;
}

/** `llmops cache ls|prune|verify`: what was fetched to this machine, for all stacks. */
export async function run(context: CliContext, flags: CacheFlags, args: readonly string[]): Promise<number> {
  const store = await storeOf(context);
  switch (args[0]) {
    case 'prune':
      return prune(store, context, flags);
    case 'verify':
      return verify(store, context, flags);
    default:
      return list(store, context, flags);
  }
}

async function list(store: Store, context: CliContext, flags: CacheFlags): Promise<number> {
  const [files, use] = await Promise.all([store.list(), weightsInUse(context, flags, store)]);
  const rows = files.map((file) => ({ ...file, used: isUsed(file, use) }));
  if (flags.json) await printJson(context.stdout, { type: 'cache', format: '1.0', files: rows });
  else {
    const { renderCache } = await import('../render/index.ts');
    await print(context.stdout, renderCache(rows, { ...screenOf(context.stdout, context, flags), now: context.now() }));
  }
  await printProblems([...use.problems, ...use.unknown], context, flags);
  return EXIT.ok;
}

async function prune(store: Store, context: CliContext, flags: CacheFlags): Promise<number> {
  await forgetStacks(flags.forget ?? [], store, context, flags);
  const [files, use] = await Promise.all([store.list(), weightsInUse(context, flags, store)]);
  refuseUnknown(use, flags);
  const going = files.filter((file) => flags.all || !isUsed(file, use));
  const { renderPrune, renderPruned } = await import('../render/index.ts');
  const looks = { ...screenOf(context.stdout, context, flags), now: context.now() };
  const rows = going.map((file) => ({ ...file, used: isUsed(file, use) }));
  if (!flags.json) await print(context.stdout, renderPrune(rows, files.length - going.length, looks));
  await printProblems(use.problems, context, flags);
  if (going.length > 0 && !flags.autoApprove) {
    mustBeAbleToAsk(context);
    await approve(context, 'prune');
  }
  const { removed, freed } = going.length === 0 ? NOTHING : await removeUnused(going, store, context, flags);
  const gone = rows.filter(({ key }) => removed.includes(key));
  if (flags.json) await printJson(context.stdout, { type: 'cache-pruned', format: '1.0', removed: gone, freedBytes: freed });
  else if (going.length > 0) await print(context.stdout, renderPruned(freed));
  return EXIT.ok;
}

const NOTHING = { removed: [], freed: 0 };

/** Looks again who uses what: an apply may have begun while a person was asked, and none does while this removes. */
function removeUnused(
  going: readonly StoredFile[],
  store: Store,
  context: CliContext,
  flags: CacheFlags,
): Promise<{ readonly removed: readonly string[]; readonly freed: number }> {
  return store.alone(context.signal, async () => {
    const use = await weightsInUse(context, flags, store);
    refuseUnknown(use, flags);
    const removed = going.filter((file) => flags.all || !isUsed(file, use)).map(({ key }) => key);
    return { removed, freed: await store.remove(removed) };
  });
}

function refuseUnknown({ unknown }: InUse, { all }: CacheFlags): void {
  if (unknown[0] !== undefined && !all) throw new ProblemError(unknown[0]);
}

/** 1 if a file is not what it was: it is set aside, and fetched anew when it is needed. */
async function verify(store: Store, context: CliContext, flags: CacheFlags): Promise<number> {
  const note = noteIn(context);
  const found = await store
    .verify({
      signal: context.signal,
      progress: (done, total) => note.show(`reading the fetched weights: ${Math.floor((100 * done) / Math.max(1, total))} %`),
    })
    .finally(() => note.clear());
  if (flags.json) await printJson(context.stdout, { type: 'cache-verified', format: '1.0', files: found });
  else {
    const { renderVerified } = await import('../render/index.ts');
    await print(context.stdout, renderVerified(found, screenOf(context.stdout, context, flags)));
  }
  return found.every(({ ok }) => ok) ? EXIT.ok : EXIT.error;
}

/** A download that was cut off belongs to whoever asked for that digest. Where nobody can tell what a stack uses, anything may be used. */
function isUsed({ sha256, sets }: StoredFile, { digests, unknown }: InUse): boolean {
  return unknown.length > 0 || [...sets, ...(sha256 === null ? [] : [sha256])].some((digest) => digests.has(digest));
}
