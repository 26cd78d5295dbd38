import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { ProblemError, problemOf, type Problem } from '../domain/problem.ts';
import { MOST_TEXT_BYTES, readBounded } from '../files/bounded-read.ts';
import type { CliContext } from './context.ts';
import { whyNotRead, whyNotWritten } from '../files/file-reasons.ts';
import { EXIT } from './exit.ts';
import { printProblems } from './failure.ts';
import { notAFolder } from '../files/not-a-folder.ts';
import { replaceFile } from './replace-file.ts';
import { print } from './screen.ts';
import { sha256 } from '../stack/sha256.ts';

interface FmtFlags {
  readonly chdir?: string;
  readonly file?: string;
  readonly check?: boolean;
  readonly color?: boolean;
}

/**
 * `llmops fmt`: rewrites files in the canonical style and lists those that changed; `--check` only lists them and gives
 * 1. A file with problems in its syntax is left as it was.
 */
export async function run(context: CliContext, flags: FmtFlags, args: readonly string[]): Promise<number> {
  const names = args.length > 0 ? args : [flags.file ?? 'llmops.yaml'];
  let code: number = EXIT.ok;
  for (const name of names) {
    try {
      const changed =
        name === '-' ? await formatStdin(context, flags) : await formatFile(resolve(context.cwd, flags.chdir ?? '.', name), context, flags);
      if (changed && flags.check) code = EXIT.error;
    } catch (error) {
      await printProblems(error instanceof UnformattableError ? error.problems : [problemOf(error)], context, flags);
      code = EXIT.error;
    }
  }
  return code;
}

/** The text is not YAML that can be rewritten without guessing. */
class UnformattableError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super('cannot be formatted');
    this.problems = problems;
  }
}

async function formatStdin(context: CliContext, flags: FmtFlags): Promise<boolean> {
  const chunks: Buffer[] = [];
  for await (const chunk of context.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  const bytes = Buffer.concat(chunks);
  const formatted = await format('standard input', bytes);
  const changed = !Buffer.from(formatted).equals(bytes);
  if (!flags.check) context.stdout.write(formatted);
  else if (changed) await print(context.stdout, '-');
  return changed;
}

async function formatFile(path: string, context: CliContext, flags: FmtFlags): Promise<boolean> {
  const near = relative(context.cwd, path);
  const shown = near.startsWith('..') || isAbsolute(near) ? path : near;
  const file = await existing(path, shown);
  const bytes = await readBounded(file, MOST_TEXT_BYTES).catch((error: unknown) => Promise.reject(unusable(shown, 'read', error)));
  const formatted = await format(shown, bytes);
  if (Buffer.from(formatted).equals(bytes)) return false;
  if (!flags.check) await replace(file, formatted);
  await print(context.stdout, shown);
  return true;
}

/** The file behind a link: the link itself must stay one. */
async function existing(path: string, shown: string): Promise<string> {
  try {
    const file = await realpath(path);
    if ((await stat(file)).isFile()) return file;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(shown, 'read', error);
  }
  const folder = notAFolder(dirname(path));
  if (folder !== null) throw folder;
  throw new ProblemError({
    code: 'no-stack-file',
    summary: `There is no file ${shown}.`,
    fix: 'Name the files to format, or type `llmops init` to write a first llmops.yaml.',
  });
}

/** What `readConfig` finds before it looks at keys and values: text with such problems cannot be rewritten without guessing. */
const NOT_YAML = /^(?:yaml-.*|not-utf8|control-character|file-too-large|too-deep|empty-file|not-a-mapping)$/;

async function format(shown: string, bytes: Uint8Array): Promise<string> {
  const { formatConfig, readConfig } = await import('../config/index.ts');
  const read = (text: Uint8Array): ReturnType<typeof readConfig> =>
    readConfig({ file: shown, bytes: text, folderName: 'stack', environment: null, hash: sha256 });
  const before = read(bytes);
  const syntax = before.problems.filter((problem) => problem.severity === 'error' && NOT_YAML.test(problem.code));
  if (syntax.length > 0) throw new UnformattableError(syntax);
  const formatted = formatConfig(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  // A formatter that changed the meaning would be caught by nobody else before the next apply.
  if (before.desired && read(Buffer.from(formatted)).desired?.revision !== before.desired.revision) {
    throw new Error(`formatting ${shown} would have changed its meaning; it was left as it was`);
  }
  return formatted;
}

async function replace(file: string, text: string): Promise<void> {
  await replaceFile(file, text).catch((error: unknown) => Promise.reject(unusable(file, 'rewritten', error)));
}

function unusable(file: string, what: 'read' | 'rewritten', error: unknown): ProblemError {
  const reason = what === 'read' ? whyNotRead(error) : whyNotWritten(error);
  const code = what === 'read' ? 'file-not-readable' : 'file-not-writable';
  const fix = 'Mend the permissions of the file and its folder.';
  return new ProblemError({ code, summary: `${file} cannot be ${what}: ${reason}. It was left as it was.`, fix }, error);
}
