import type { CliContext, StackFlags } from '../context.ts';
import { packageInfo } from '../package-info.ts';
import { screenOf } from '../screen.ts';
import { finding, type Finding } from './check.ts';

/** The oldest Node that runs llmops: `node:sqlite` without a flag came with it. */
const OLDEST = { major: 22, minor: 13 } as const;

/** llmops itself, the Node it runs on, the terminal. */
export function checkProgram(context: CliContext, flags: StackFlags): readonly Finding[] {
  const { version, root } = packageInfo();
  return [
    finding('llmops', 'ok', `llmops ${version} in ${root}`),
    checkNode(process.versions.node, process.execPath),
    checkTerminal(context, flags),
  ];
}

/** Whether this Node is new enough. */
export function checkNode(version: string, path: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fine = major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
  return fine
    ? finding('node', 'ok', `Node ${version} at ${path}`)
    : finding(
        'node',
        'fail',
        `Node ${version} at ${path} is too old.`,
        `Install Node ${OLDEST.major}.${OLDEST.minor} or newer; 24 is the long-term version.`,
      );
}

function checkTerminal(context: CliContext, flags: StackFlags): Finding {
  const { color, width } = screenOf(context.stdout, context, flags);
  const what = context.stdout.isTTY ? `a terminal, ${width} columns` : 'not a terminal';
  return finding('terminal', 'ok', `Output is ${what}; colour ${color ? 'on' : `off${whyPlain(context, flags)}`}`);
}

/** Says which variable decided, never what it holds. */
function whyPlain(context: CliContext, flags: StackFlags): string {
  if (flags.color === false) return ' (--no-color)';
  if (context.env['NO_COLOR']) return ' (NO_COLOR is set)';
  return context.stdout.isTTY ? ' (TERM says so)' : '';
}
