import { clause } from './text.ts';
/** A position in a text file. Lines and columns count from 1, columns in UTF-16 units, as editors do. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Last column of the marked text plus one, on the same line. Absent: one character. */
  readonly endColumn?: number;
}

/**
 * Something wrong, said to a person and to a program. Problems are collected and returned; a thrown error means a bug
 * or the outside world.
 */
export interface Problem {
  readonly severity: 'error' | 'warning' | 'info';
  /** Stable, kebab-case, documented in docs/problems.md. Programs match this and nothing else. */
  readonly code: string;
  /** One sentence: what is wrong. Never contains a secret. */
  readonly summary: string;
  /** What would have been right there. */
  readonly expected?: string;
  /** What to type or change next. */
  readonly fix?: string;
  readonly place?: Place;
  /** Name of the one declared model that it is about: several can stand on one line, so a place does not tell. Absent: of more than one, or of none. */
  readonly model?: string;
  /** The text of the line at `place`, already free of secrets. */
  readonly excerpt?: string;
  /** Further lines for a person, free of secrets: the last lines of an engine's log. */
  readonly details?: readonly string[];
  /** What to mark in `excerpt`, counted from 0. Absent: as `place` says. A long line is cut, a secret masked, so columns can differ. */
  readonly mark?: { readonly from: number; readonly length: number };
}

/** What is wrong, with its place, as a whole sentence: for texts in which others go before and after it. */
export function asSentence({ summary, place }: Problem): string {
  const where = place === undefined ? '' : ` (${place.file}:${place.line})`;
  return `${clause(summary)}${where}.`;
}

/** The problems that stop whatever was asked for. */
export function errorsIn(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter((problem) => problem.severity === 'error');
}

/**
 * A problem that is about a key of a declared model. It stands at that key, else at the model's source, else where the model
 * begins, unless it has a place of its own. `places`: where each declared value stands, by its path.
 */
export function ofModel(model: string, key: string, problem: Problem, places: Readonly<Record<string, Place>>): Problem {
  const place = problem.place ?? places[`models.${model}.${key}`] ?? places[`models.${model}.source`] ?? places[`models.${model}`];
  return { ...problem, model, ...(place && { place }) };
}

/** Carries a {@link Problem} out of code that talks to the outside world. Anything else thrown is a bug. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Omit<Problem, 'severity'> & { readonly severity?: Problem['severity'] }, cause?: unknown) {
    super(problem.summary, cause === undefined ? undefined : { cause });
    this.name = 'ProblemError';
    this.problem = { severity: 'error', ...problem };
  }
}

/** The problem that an error carries, or one that reports a bug. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (isOutOfFiles(error)) return OUT_OF_FILES;
  const summary = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    severity: 'error',
    code: 'internal',
    summary,
    fix: 'This is a bug in llmops. Please report it with the output of `llmops doctor`.',
  };
}

const OUT_OF_FILES: Problem = {
  severity: 'error',
  code: 'too-many-files',
  summary: 'llmops may not open as many files at once as it has to.',
  fix: 'Raise the limit (`ulimit -n 1024`, `LimitNOFILE=` of a service), then run the command again. If that is no help, install llmops anew.',
};

/** True if it says nothing of the file that it names: this process, or the machine, has no number left for another open one. */
export function isOutOfFiles(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  // The last is what Node says of a package.json that it could not open.
  return code === 'EMFILE' || code === 'ENFILE' || code === 'ERR_INVALID_PACKAGE_CONFIG';
}

/** Codes that tell of the moment and not of what was to be started: the same may work as soon as it is over. */
const CIRCUMSTANCES: ReadonlySet<string> = new Set([
  'plan-stale',
  'lease-lost',
  'state-not-writable',
  'too-many-files',
  'port-taken',
  'no-driver',
]);

/** True if a start failed for what was around it. */
export function isCircumstance({ code }: Problem): boolean {
  return CIRCUMSTANCES.has(code);
}
