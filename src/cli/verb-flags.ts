import { Option, type Command } from 'commander';
import { collect, duration, positive } from './flag-values.ts';

/** What `--no-color` does, in the words of every verb's help. */
export const NO_COLOR = 'no colour, whatever the terminal can do';

/** What `--adopt` does. */
export const ADOPT = 'take over what somebody else runs just as it is declared, without a restart';

/** Flags that say which stack is meant. `logs` keeps `-f` for following, as tail does. */
export function stackFlags(command: Command, file = '-f, --file <file>'): Command {
  return command
    .option(file, 'the stack file (default: llmops.yaml)')
    .option('--env <name>', 'environment overlay from `environments:`')
    .option('--state-dir <folder>', 'where state lives (default: $XDG_STATE_HOME/llmops/<name>)')
    .option('--no-color', NO_COLOR);
}

/** Flags that narrow or widen what a plan may do. */
export function planningFlags(command: Command): Command {
  return command
    .option('--target <model>', 'only this model (repeat for several); for emergencies', collect)
    .option('--replace <model>', 'restart this model even if nothing about it differs (repeat for several)', collect)
    .option(
      '--allow-destroy',
      'let a plan delete the last model, all of several, more than 30 % of four or more, or any that a file which is gone declared',
    )
    .addOption(observeTimeout());
}

/** Takes flags out of a verb's help that mean nothing to it. They are still taken, since scripts give the same flags to several verbs. */
export function without(command: Command, ...flags: readonly string[]): Command {
  for (const option of command.options) if (flags.includes(option.long ?? '')) option.hideHelp();
  return command;
}

/** How long one backend is waited for. */
export function observeTimeout(): Option {
  return waiting('--observe-timeout <duration>', 'how long one backend may take to tell its state', 10_000, '10s');
}

/** A time; its default is milliseconds to programs and a time with its unit to people. */
function waiting(flags: string, description: string, ms: number, shown: string): Option {
  return new Option(flags, description).argParser(duration).default(ms, shown);
}

/** Flags of verbs that change the world. */
export function applyingFlags(command: Command): Command {
  return command
    .option('-y, --auto-approve', 'do not ask')
    .addOption(new Option('--yes', 'do not ask').implies({ autoApprove: true }).hideHelp())
    .option('--json', 'a stream of JSON records instead of text')
    .option('--parallelism <n>', 'steps at once', positive, 10)
    .addOption(waiting('--lock-timeout <duration>', 'how long to wait while another apply runs', 0, '0s'))
    .option('--detailed-exitcode', 'typed exit codes: 3 invalid, 4 refused, 5 lock held, 6 stale, 7 partly applied, 9 too late');
}
