import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ProblemError } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { EXIT } from './exit.ts';
import { failedLog, noteOnFailed } from './failed-log.ts';
import { openSessionOrLast } from './last-applied.ts';
import { safeLine } from './log-line.ts';
import { LogReader } from './log-tail.ts';
import { stateDirOf } from '../stack/paths.ts';
import { print, say, screenOf } from './screen.ts';

export interface LogsFlags extends StackFlags {
  readonly follow?: boolean;
  readonly tail: number;
  /** The copy that failed last when it was started, instead of the one that wrote last. */
  readonly failed?: boolean;
}

/** How often a followed log is looked at. Polling sees rotation and new copies alike, on every file system. */
const LOOK_EVERY_MS = 200;

/**
 * `llmops logs`: the last lines of a model's newest log; with `--follow` everything that any copy of the model adds,
 * until Ctrl-C. Reads files only, so it works while the engine hangs.
 */
export async function run(context: CliContext, flags: LogsFlags, args: readonly string[]): Promise<number> {
  const model = args[0] as string;
  const { stateDir, declared } = await whereItIs(context, flags);
  const folder = join(stateDir, 'logs');
  const failed = flags.failed ? await failedLog(stateDir, model) : null;
  const logs = failed === null ? await logsOf(folder, model) : await existing(folder, failed);
  if (logs.length === 0 && !(flags.follow && declared?.includes(model))) throw await nothingThere(model, declared, folder);
  const [newest] = logs;
  const note = failed === null && newest !== undefined ? await noteOnFailed(stateDir, model, newest) : null;
  if (note !== null) await say(context.stderr, note);
  const show = printer(context, flags);
  const readers = new Map<string, LogReader>();
  try {
    for (const [index, name] of logs.entries()) {
      const reader = new LogReader(join(folder, name));
      readers.set(name, reader);
      await reader.skipTo(index === 0 ? flags.tail : 0);
    }
    for (const [name, reader] of readers) await show(name, await reader.read());
    if (flags.follow) await follow(() => (failed === null ? logsOf(folder, model) : [failed]), folder, readers, show, context.signal);
    for (const [name, reader] of readers) await show(name, reader.rest());
  } finally {
    for (const reader of readers.values()) await reader.close();
  }
  return EXIT.ok;
}

type Show = (log: string, lines: readonly string[]) => Promise<void>;

/** New copies of the model (a surge, a restart with other settings) have logs of their own, which are read from their beginning. */
async function follow(
  named: () => readonly string[] | Promise<readonly string[]>,
  folder: string,
  readers: Map<string, LogReader>,
  show: Show,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    for (const name of await named()) if (!readers.has(name)) readers.set(name, new LogReader(join(folder, name)));
    for (const [name, reader] of readers) await show(name, await reader.read());
  }
}

/** Lines to stdout; which log they are from, where it changes, to stderr, as tail does for several files. */
function printer(context: CliContext, flags: LogsFlags): Show {
  const { color } = screenOf(context.stdout, context, flags);
  let last: string | null = null;
  return async (log, lines) => {
    if (lines.length === 0) return;
    if (last !== null && last !== log) await print(context.stderr, `==> ${log.replace(/\.log$/, '')} <==`);
    last = log;
    const shown = context.stdout.isTTY ? lines.map((line) => safeLine(line, color)) : lines;
    await print(context.stdout, `${shown.join('\n')}\n`);
  };
}

/** The state folder, and the names in the file, or as last applied where the file is gone or broken. With `--state-dir` the file need not even exist. */
async function whereItIs(
  context: CliContext,
  flags: LogsFlags,
): Promise<{ readonly stateDir: string; readonly declared: readonly string[] | null }> {
  if (flags.stateDir) return { stateDir: stateDirOf(context, flags, ''), declared: null };
  const { session } = await openSessionOrLast(context, flags);
  return { stateDir: session.stateDir, declared: session.desired.models.map((model) => model.name) };
}

async function existing(folder: string, name: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).filter((each) => each === name);
}

/** Logs of a model's copies, named `<model>-<12 hex digits>.log`, the one that was written to last first. */
async function logsOf(folder: string, model: string): Promise<readonly string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => modelOfLog(name) === model);
  const dated = await Promise.all(
    names.map(async (name) => ({
      name,
      at: await stat(join(folder, name)).then(
        (info) => info.mtimeMs,
        () => 0,
      ),
    })),
  );
  return dated.sort((a, b) => b.at - a.at || (a.name < b.name ? -1 : 1)).map(({ name }) => name);
}

function modelOfLog(name: string): string | null {
  return /^(.+)-[0-9a-f]{12}\.log$/.exec(name)?.[1] ?? null;
}

async function nothingThere(model: string, declared: readonly string[] | null, folder: string): Promise<ProblemError> {
  if (declared?.includes(model)) {
    return new ProblemError({
      code: 'no-log',
      summary: `${model} has never been started by this stack: there is no log.`,
      fix: 'Type `llmops apply` to start it.',
    });
  }
  const logged = (await readdir(folder).catch(() => [])).map(modelOfLog).filter((name) => name !== null);
  const known = [...new Set([...(declared ?? []), ...logged])].sort();
  const { nearest } = await import('../config/suggest.ts');
  const near = nearest(model, known);
  return new ProblemError({
    code: 'unknown-model',
    summary: `There is no model called ${JSON.stringify(model)}${declared ? ' in this stack' : ` with a log in ${folder}`}.`,
    fix: near
      ? `Did you mean ${near}?`
      : known.length > 0
        ? `Known: ${known.join(', ')}.`
        : 'Nothing has been started yet: type `llmops apply`.',
  });
}
