import { basename, dirname } from 'node:path';
import type { Desired } from '../domain/desired.ts';
import { ProblemError } from '../domain/problem.ts';
import { namesOf, oneLine, settle, type Imported, type Settled } from '../import/index.ts';
import type { SourceName } from '../import/read/index.ts';
import type { ImportView } from '../render/imported.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit.ts';
import { lockImported, type ImportedLock } from './import-lock.ts';
import { lockPathOf, pathIn, stackPaths, type StackPaths } from '../stack/paths.ts';
import { refuseExisting, writeNew, type Ways } from './new-file.ts';
import { print, printJson, screenOf, shellWord } from './screen.ts';
import { schemaReference } from './schema-path.ts';
import { sha256 } from '../stack/sha256.ts';
import { nameForNew } from './stack-name.ts';

const WAYS: Ways = {
  instead: 'Name another file with --out, or see with --stdout what import would write.',
  elsewhere: 'name another file with --out',
};

interface ImportFlags {
  readonly chdir?: string;
  readonly out?: string;
  readonly stdout?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly color?: boolean;
}

/** For one request to a server. */
const DEADLINE_MS = 10_000;

/**
 * `llmops import`: writes a llmops.yaml from a running server or another tool's file, and says what it could not carry
 * over. Asks, and changes nothing there. Never overwrites. With `--stdout` the file alone is on stdout.
 */
export async function run(context: CliContext, flags: ImportFlags, args: readonly string[]): Promise<number> {
  const paths = stackPaths(context, { ...flags, ...(flags.out !== undefined && { file: flags.out }) });
  const writes = !flags.stdout && !flags.dryRun;
  if (writes) refuseExisting(paths, WAYS);
  const [source, from] = args as readonly [SourceName, string | undefined];
  const { gather } = await import('../import/read/index.ts');
  const around = {
    env: context.env,
    signal: context.signal,
    deadlineMs: DEADLINE_MS,
    folder: pathIn(context, flags, '.'),
    outDir: paths.baseDir,
    stdin: context.stdin,
  };
  const { name } = await nameForNew(context, paths);
  const { text, imported, desired } = await settled(await gather(source, from ?? null, around), paths, name);
  if (imported.models.length === 0 && imported.backends.length === 0) throw nothingTaken(imported);
  if (writes) await writeNew(paths, text, WAYS);
  const locked = writes && desired !== null ? await lockImported(desired, imported.store, paths) : null;
  const view = viewOf(imported, paths, writes, locked);
  if (flags.json) await printJson(context.stdout, { formatVersion: '1.0', ...view, ...(!writes && { text }) });
  else await say(context, flags, view, text);
  return EXIT.ok;
}

async function say(context: CliContext, flags: ImportFlags, view: ImportView, text: string): Promise<void> {
  const { renderImport } = await import('../render/imported.ts');
  const said = flags.stdout ? context.stderr : context.stdout;
  if (flags.stdout) await print(context.stdout, text);
  await print(said, renderImport(view, screenOf(said, context, flags)));
}

/** What llmops takes of it, in the style of `llmops fmt`, checked as `llmops validate` would. */
async function settled(first: Imported, paths: StackPaths, stack: string): Promise<Settled & { readonly desired: Desired | null }> {
  const { formatConfig, readConfig } = await import('../config/index.ts');
  const folderName = basename(paths.baseDir);
  const read = (text: string) => readConfig({ file: paths.shown, bytes: Buffer.from(text), folderName, environment: null, hash: sha256 });
  const result = settle(first, { stack, schema: schemaReference(paths.baseDir) }, (text) => read(text).problems);
  const [problem] = result.left;
  if (problem) throw new Error(`what import wrote is not valid: ${problem.code}`);
  const text = formatConfig(result.text);
  return { ...result, text, desired: read(text).desired };
}

function valueOf(entries: Imported['models'][number]['entries'], key: string): string {
  return String(entries.find((one) => one.key === key)?.value ?? '');
}

function viewOf(imported: Imported, paths: StackPaths, written: boolean, locked: ImportedLock | null): ImportView {
  const backends = namesOf(imported.backends, 'engine').map((name, index) => ({
    name,
    type: valueOf(imported.backends[index]!.entries, 'type'),
  }));
  const models = namesOf(imported.models, 'model').map((name, index) => {
    const { original, backend, entries } = imported.models[index]!;
    const at = imported.backends.findIndex((one) => one.original === backend);
    return { name, original, source: valueOf(entries, 'source'), backend: backends[at]?.name ?? backend };
  });
  return {
    from: imported.from,
    models,
    backends,
    notCarried: imported.notCarried,
    file: paths.shown,
    written,
    lock: locked === null || locked.pinned.length === 0 ? null : { file: lockPathOf(paths.shown), models: locked.pinned.length },
    next: written ? nextOf(imported, paths, (locked?.open.length ?? 0) === 0) : null,
  };
}

/** Types that this version acts on. */
const ACTED_ON = /^(llama\.cpp|embedded|ollama)$/;

/** What is pinned first, what can be planned at once, and what this version only checks. */
function nextOf({ backends, models }: Imported, paths: StackPaths, isPinned: boolean): string {
  const acted = backends.filter(({ entries }) => ACTED_ON.test(valueOf(entries, 'type'))).map(({ original }) => original);
  const sources = models.filter(({ backend }) => acted.includes(backend)).map(({ entries }) => valueOf(entries, 'source'));
  const isFetched = !isPinned && sources.some((source) => !source.startsWith('file:'));
  const verb = sources.length === 0 ? 'validate' : isFetched ? 'lock' : 'plan';
  const folder = dirname(paths.shown) === '.' ? '' : ` -C ${shellWord(dirname(paths.shown))}`;
  const file = basename(paths.shown) === 'llmops.yaml' ? '' : ` -f ${shellWord(basename(paths.shown))}`;
  return `llmops ${verb}${folder}${file}`;
}

function nothingTaken({ from, notCarried }: Imported): ProblemError {
  return new ProblemError({
    code: 'nothing-to-import',
    summary: `There is nothing to take over from ${from}. Nothing was written.`,
    fix: 'Name another server or file; `llmops init` writes a first file from what is on this machine.',
    ...(notCarried.length > 0 && { details: notCarried.map(oneLine) }),
  });
}
