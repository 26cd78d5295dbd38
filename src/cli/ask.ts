import { createInterface, type Interface } from 'node:readline';
import type { Plan } from '../domain/plan.ts';
import { ProblemError } from '../domain/problem.ts';
import type { CliContext } from './context.ts';

/** What a yes is needed for. */
export type Question = Plan['mode'] | 'prune' | 'rollback';

const QUESTIONS: Readonly<Record<Question, string>> = {
  prune: 'Do you want to remove these files?',
  apply: 'Do you want to perform these actions?',
  rollback: 'Do you want to go back to this generation, and have it held?',
  prefetch: 'Do you want to fetch these weights?',
  destroy: 'Do you really want to destroy all of this?',
  down: 'Do you want to stop these models?',
  'refresh-only': 'Do you want to go on?',
};

/** Fails at once where nobody can be asked, so that nothing ever hangs on a question that nobody sees. */
export function mustBeAbleToAsk(context: CliContext, question?: Question): void {
  const screen = screenFor(context);
  if (context.stdin.isTTY && screen && context.env['LLMOPS_INPUT'] !== '0') return;
  const why = context.env['LLMOPS_INPUT'] === '0' ? 'LLMOPS_INPUT=0 forbids to ask' : 'there is no terminal to ask on';
  throw new ProblemError({
    code: 'not-approved',
    summary: `This needs a yes, and ${why}. Nothing was changed.`,
    fix:
      question === 'rollback'
        ? 'Add --auto-approve (-y).'
        : 'Add --auto-approve (-y), or save the plan with `llmops plan --out FILE` and apply that.',
  });
}

/** Asks for a literal `yes`. Fails where nobody can be asked. Any other answer, or none, throws a ProblemError `not-approved`; Ctrl-C throws the signal's reason. */
export async function approve(context: CliContext, mode: Question): Promise<void> {
  mustBeAbleToAsk(context, mode);
  // Without `terminal` the line is edited by the terminal itself, and Ctrl-C stays a signal.
  const lines = createInterface({ input: context.stdin, output: screenFor(context) ?? context.stderr, terminal: false });
  try {
    const answer = await ask(lines, `\n${QUESTIONS[mode]}\n  Only 'yes' is taken as approval: `, context.signal);
    context.signal.throwIfAborted();
    if (answer?.trim() === 'yes') return;
  } finally {
    lines.close();
  }
  throw new ProblemError({ code: 'not-approved', summary: 'Not approved. Nothing was changed.', fix: 'Type yes, in full, to go on.' });
}

/** null: the input has ended, or a signal came. */
function ask(lines: Interface, question: string, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const stop = () => resolve(null);
    lines.once('close', stop);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    else lines.question(question, resolve);
  });
}

function screenFor({ stdout, stderr }: CliContext): NodeJS.WriteStream | null {
  return [stderr, stdout].find((stream) => stream.isTTY) ?? null;
}
