import type { Command } from 'commander';
import type { CliContext } from './context.ts';

/** Runs one verb: flags as parsed, arguments as given; resolves to the exit code. */
type Verb = (context: CliContext, flags: never, args: readonly string[]) => Promise<number>;

/** How a verb's code is found; imported only when it is called, so that `--help` and completion stay fast. */
export type Load = () => Promise<{ readonly run: Verb }>;

/** Adds a verb to the command line. */
export type AddVerb = (usage: string, summary: string, examples: readonly string[], load: Load) => Command;
