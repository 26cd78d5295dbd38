import { createInterface } from 'node:readline/promises';
import type { Plan } from '../domain/plan.ts';
import { ProblemError } from '../domain/problem.ts';
import type { CliContext } from './context.ts';

const QUESTIONS: Readonly<Record<Plan['mode'], string>> = {
  apply: 'Do you want to perform these actions?',
  destroy: 'Do you really want to destroy all of this?',
  down: 'Do you want to stop these models?',
  'refresh-only': 'Do you want to go on?',
};

/** Asks for a literal `yes`. Without a terminal it fails at once, so that nothing ever hangs on a question nobody sees. */
export async function approve(context: CliContext, mode: Plan['mode']): Promise<void> {
  if (!context.stdin.isTTY || context.env['LLMOPS_INPUT'] === '0') {
    throw new ProblemError({ code: 'not-approved', summary: 'This needs a yes, and there is no terminal to ask on.', fix: 'Add --auto-approve (-y), or save the plan with `llmops plan --out FILE` and apply that. Nothing was changed.' });
  }
  const lines = createInterface({ input: context.stdin, output: context.stderr });
  try {
    const answer = await lines.question(`\n${QUESTIONS[mode]}\n  Only 'yes' is taken as approval: `, { signal: context.signal });
    if (answer.trim() === 'yes') return;
  } catch (error) {
    if (!context.signal.aborted) throw error;
  } finally {
    lines.close();
  }
  throw new ProblemError({ code: 'not-approved', summary: 'Not approved.', fix: 'Nothing was changed.' });
}
