import type { Problem } from '../../domain/problem.ts';
import { shellWord } from '../screen.ts';

/** The state folder of a stack that used weights is not there now. */
export function awayFolder(stateDir: string): Problem {
  return {
    severity: 'warning',
    code: 'stack-away',
    summary: `The stack with the state folder ${stateDir} is on record here, and that folder is not there: its disk may not be mounted. What it used is taken to be in use.`,
    fix: forgetWords(stateDir),
  };
}

/** It is there, and what it says is not all that is true. */
export function unreadableState(stateDir: string, { summary }: Problem): Problem {
  return {
    severity: 'warning',
    code: 'stack-unreadable',
    summary: `What the stack with the state folder ${stateDir} uses cannot be read; what was last known of it is taken to be in use. ${summary}`,
    fix: `Mend that. ${forgetWords(stateDir)}`,
  };
}

/** A lock of a stack on record that is there and cannot be read. */
export function unreadableLock(lock: string, { summary }: Problem): Problem {
  return {
    severity: 'warning',
    code: 'stack-unreadable',
    summary: `What ${lock} pins cannot be read; what was last known of it is taken to be in use. ${summary}`,
    fix: 'Mend that lock.',
  };
}

/** Nothing is known of what a stack uses. */
export function unknownUse(stateDir: string, problems: readonly Problem[]): Problem {
  return {
    severity: 'error',
    code: 'use-unknown',
    summary: `Nobody can tell what the stack with the state folder ${stateDir} uses: any of these weights may be its. Nothing was removed. ${problems[0]?.summary ?? ''}`,
    fix: `Run \`llmops apply\` for that stack, or remove the folder if it is gone for good. --all removes what is in use as well.`,
  };
}

/** Nothing is known of what a stack uses, nor which one it is. */
export function unreadableRecord(path: string): Problem {
  return {
    severity: 'error',
    code: 'use-unknown',
    summary: `${path} tells which stack uses which weights, and cannot be read: any of them may be in use. Nothing was removed.`,
    fix: `rm ${shellWord(path)}, then run \`llmops apply\` for each of your stacks. --all removes what is in use as well.`,
  };
}

/** `--forget` names a folder that is not on record. */
export function notOnRecord(stateDir: string): Omit<Problem, 'severity'> {
  return {
    code: 'stack-not-on-record',
    summary: `No stack with the state folder ${stateDir} is on record as one that uses weights. Nothing was removed.`,
    fix: 'See which there are: llmops cache prune names those that are away.',
  };
}

/** `--forget` names a stack that runs models. */
export function stillInUse(stateDir: string, models: number): Omit<Problem, 'severity'> {
  return {
    code: 'stack-in-use',
    summary: `The stack with the state folder ${stateDir} is there and has ${models === 1 ? 'a model' : `${models} models`}. Nothing was removed.`,
    fix: 'If it is to go: llmops destroy',
  };
}

function forgetWords(stateDir: string): string {
  return `If that stack is gone for good: llmops cache prune --forget ${shellWord(stateDir)}`;
}
