import { wrapText } from '../render/text/lines.ts';
import { CommanderError, buildProgram } from './program.ts';
import type { CliContext } from './context.ts';
import { progressNote } from './progress-note.ts';
import { EXIT } from './exit.ts';
import { explainUsage } from './usage.ts';

/**
 * Parses `argv` (without node and script), runs one verb and resolves to the exit code. Never throws: whatever goes
 * wrong is said on stderr.
 */
export async function runCli(argv: readonly string[], called: CliContext, version: string): Promise<number> {
  const context: CliContext = { ...called, note: () => progressNote(called) };
  let code: number = EXIT.ok;
  const program = buildProgram(context, version, (result) => (code = result));
  const words = withDoubleDashes(argv, program);
  for (const command of [program, ...program.commands])
    command.configureOutput({ outputError: (text, write) => write(fitted(explainUsage(text, words, program.commands), context)) });
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    const stopped = context.signalExitCode();
    const { reportFailure, reportStopped } = await import('./failure.ts');
    return stopped === null ? reportFailure(error, context, argv) : reportStopped(context, stopped);
  }
}

/** On a terminal broken between words. */
function fitted(text: string, { stderr }: CliContext): string {
  return stderr.isTTY ? wrapText(text, Math.max(40, stderr.columns ?? 80)) : text;
}

/** Accepts Terraform's single dash for our long flags: `-auto-approve`, `-out=x`. One-letter flags stay what they are. */
function withDoubleDashes(argv: readonly string[], program: ReturnType<typeof buildProgram>): string[] {
  const known = new Set([program, ...program.commands].flatMap((command) => command.options.map((option) => option.long)));
  let literal = false;
  return argv.map((arg) => {
    literal ||= arg === '--';
    const name = /^-([a-z][a-z-]+)(?==|$)/.exec(arg)?.[1];
    return !literal && name && known.has(`--${name}`) ? `-${arg}` : arg;
  });
}
