import type { StoredFile, Store } from '../store/index.ts';
import { approve, mustBeAbleToAsk } from './approve.ts';
import { digestsInUse } from './cache/in-use.ts';
import type { CliContext, StackFlags } from './context.ts';
import { EXIT } from './exit.ts';
import { noteIn } from '../stack/surroundings.ts';
import { print, printJson, screenOf } from './screen.ts';
import { storeOf } from '../stack/store.ts';

interface CacheFlags extends StackFlags {
  readonly all?: boolean;
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
  const [files, used] = await Promise.all([store.list(), digestsInUse(context, flags)]);
  const rows = files.map((file) => ({ ...file, used: isUsed(file, used) }));
  if (flags.json) await printJson(context.stdout, { type: 'cache', format: '1.0', files: rows });
  else {
    const { renderCache } = await import('../render/index.ts');
    await print(context.stdout, renderCache(rows, { ...screenOf(context.stdout, context, flags), now: context.now() }));
  }
  return EXIT.ok;
}

async function prune(store: Store, context: CliContext, flags: CacheFlags): Promise<number> {
  const [files, used] = await Promise.all([store.list(), digestsInUse(context, flags)]);
  const going = files.filter((file) => flags.all || !isUsed(file, used));
  const { renderPrune, renderPruned } = await import('../render/index.ts');
  const looks = { ...screenOf(context.stdout, context, flags), now: context.now() };
  const rows = going.map((file) => ({ ...file, used: isUsed(file, used) }));
  if (!flags.json) await print(context.stdout, renderPrune(rows, files.length - going.length, looks));
  if (going.length > 0 && !flags.autoApprove) {
    mustBeAbleToAsk(context);
    await approve(context, 'prune');
  }
  const freed = await store.remove(going.map(({ key }) => key));
  if (flags.json) await printJson(context.stdout, { type: 'cache-pruned', format: '1.0', removed: rows, freedBytes: freed });
  else if (going.length > 0) await print(context.stdout, renderPruned(freed));
  return EXIT.ok;
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

/** A download that was cut off belongs to whoever asked for that digest. */
function isUsed({ sha256, sets }: StoredFile, used: ReadonlySet<string>): boolean {
  return [...sets, ...(sha256 === null ? [] : [sha256])].some((digest) => used.has(digest));
}
