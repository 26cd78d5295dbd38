import type { Problem } from '../../domain/problem.ts';

/** The server writes one line `TIME error: WHAT: WHY` before it gives up. */
const ERROR_LINE = /^\S+ error: (.+)$/gm;

interface Cause {
  readonly pattern: RegExp;
  readonly code: string;
  /** Goes before what the server said. */
  readonly what: string;
  readonly fix: string;
}

/** The first that matches counts. */
const CAUSES: readonly Cause[] = [
  { pattern: /EADDRINUSE/, code: 'port-taken', what: 'could not take its port', fix: 'Choose another `options.port`, or leave it out.' },
  {
    pattern: /insufficient memory|not enough memory|out of memory|failed to (?:create|allocate)/i,
    code: 'out-of-memory',
    what: 'did not get the memory that it needs',
    fix: 'Free memory, or lower `context` or `parallel`.',
  },
  {
    pattern: /ENOENT/,
    code: 'weights-missing',
    what: 'did not find the weights',
    fix: 'Put the file back, or correct `source` in llmops.yaml.',
  },
  {
    pattern: /not within the file bounds|corrupted or incomplete|Invalid GGUF magic/,
    code: 'weights-damaged',
    what: 'found the weights damaged or incomplete',
    fix: 'Fetch or copy the file again and compare its SHA-256.',
  },
  {
    pattern: /^cannot load the model/,
    code: 'weights-unusable',
    what: 'could not load the weights',
    fix: 'Check the file in `source`: is it complete, and does this engine know its architecture?',
  },
  { pattern: /./, code: 'engine-ended', what: 'ended', fix: 'Correct what it says, and apply again.' },
];

/** Why the server ended, from the last lines of its log. `exitCode` null: it was ended by a signal, or nobody saw it. Pure. */
export function explainEnd(logTail: string, exitCode: number | null): Problem {
  const said = [...logTail.matchAll(ERROR_LINE)].at(-1)?.[1] ?? '';
  const cause = CAUSES.find(({ pattern }) => pattern.test(said));
  if (cause) return { severity: 'error', code: cause.code, summary: `The embedded engine ${cause.what}: ${said}.`, fix: cause.fix };
  const how = exitCode === null ? 'without a word' : `with exit code ${exitCode} and without a word`;
  return {
    severity: 'error',
    code: 'engine-crashed',
    summary: `The embedded engine ended ${how}: it crashed, or was killed, often because memory ran out.`,
    fix: 'If it happens again, free memory, or lower `context` or `parallel`.',
  };
}
