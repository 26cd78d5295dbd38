import type { Place, Problem } from '../domain/problem.ts';
import { brokenExcerpt, excerptOf } from './excerpt.ts';
import type { Span } from './located.ts';
import { scrub, type SecretRanges } from './secrets.ts';
import type { TextFile } from './text.ts';

/** A finding, before it is made fit to be shown. */
export interface Finding {
  readonly code: string;
  readonly summary: string;
  readonly expected?: string;
  readonly fix?: string;
  readonly at: Span;
  /** The text around it could not be parsed, so what is secret there is not known. */
  readonly broken?: boolean;
  /** Whatever is meant here, the rest of the file means the same, so what is wrong with that is worth saying too. */
  readonly isolated?: boolean;
}

/** How many problems are shown; a file with more is not a file to be mended line by line. */
const MAX_PROBLEMS = 500;

/** What is true of the file as a whole is said at its first spot only. */
const ONCE: ReadonlySet<string> = new Set(['yaml-too-deep', 'yaml-alias-explosion', 'environments-too-large']);

/** Collects findings from all stages; equal ones (same code, same spot) count once. */
export class Findings {
  readonly #found = new Map<string, Finding>();

  add(finding: Finding): void {
    const id = ONCE.has(finding.code) ? finding.code : `${finding.at[0]} ${finding.code}`;
    if (!this.#found.has(id)) this.#found.set(id, finding);
  }

  get isEmpty(): boolean {
    return this.#found.size === 0;
  }

  /** The file can be checked further: nothing found makes the rest of it doubtful. */
  get isReadable(): boolean {
    return [...this.#found.values()].every(({ isolated }) => isolated === true);
  }

  /** The problems in the order of the file, free of secrets. */
  problems(file: TextFile, secrets: SecretRanges): readonly Problem[] {
    const sorted = [...this.#found.values()].sort((a, b) => a.at[0] - b.at[0] || (a.code < b.code ? -1 : 1));
    const shown = sorted.slice(0, MAX_PROBLEMS).map((finding) => problem(finding, file, secrets));
    if (sorted.length <= MAX_PROBLEMS) return shown;
    const rest = sorted.length - MAX_PROBLEMS;
    return [
      ...shown,
      {
        severity: 'error',
        code: 'too-many-problems',
        summary: `${rest} more problems are not shown`,
        fix: 'Mend these first, then check again.',
      },
    ];
  }
}

function problem(finding: Finding, file: TextFile, secrets: SecretRanges): Problem {
  const { excerpt, mark } = finding.broken ? brokenExcerpt(file, finding.at) : excerptOf(file, finding.at, secrets);
  return {
    severity: 'error',
    code: finding.code,
    summary: scrub(finding.summary),
    ...(finding.expected !== undefined && { expected: finding.expected }),
    ...(finding.fix !== undefined && { fix: scrub(finding.fix) }),
    place: placeOf(file, finding.at),
    excerpt,
    mark,
  };
}

/** A span as line and columns; the end only if it is on the same line. */
export function placeOf(file: TextFile, [from, to]: Span): Place {
  const { line, column } = file.position(from);
  const end = file.position(Math.max(from, to));
  return { file: file.path, line, column, ...(end.line === line && end.column > column && { endColumn: end.column }) };
}
