import { LineCounter, parseDocument } from 'yaml';
import { ProblemError } from '../domain/problem.ts';
import { mapOf, type Unknowns } from './json.ts';

/** A file of another tool. */
export interface ForeignFile {
  /** As people should see it. */
  readonly name: string;
  readonly text: string;
  /** A path in the file as one that llmops.yaml can use; null: it leads nowhere. Pure. */
  readonly path: (written: string) => string | null;
}

/** Aliases may repeat so many values; more is an attack. */
const MOST_ALIASES = 1000;

/**
 * The file's YAML as plain values. Merge keys work, as they do in those tools. Throws `import-yaml` with the place, and never
 * with a part of the text: it may be a secret.
 */
export function parseForeign({ name, text }: ForeignFile): Unknowns {
  const lines = new LineCounter();
  const fail = (summary: string, offset: number): ProblemError => {
    const { line, col } = lines.linePos(offset);
    return new ProblemError({
      code: 'import-yaml',
      summary: `${summary}. Nothing was written.`,
      fix: 'Mend the file, or name another one.',
      place: { file: name, line: Math.max(1, line), column: Math.max(1, col) },
    });
  };
  try {
    const document = parseDocument(text, { merge: true, uniqueKeys: false, prettyErrors: false, logLevel: 'silent', lineCounter: lines });
    const [error] = document.errors;
    if (error) throw fail(`This is not YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`, error.pos[0]);
    const value: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw fail('The file is not a map of keys and values', 0);
    return mapOf(value);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw fail('The file is nested too deeply, or its aliases repeat too much', 0);
  }
}

/** `import-wrong-file`: it is YAML, and not what the tool writes. */
export function wrongFile({ name }: ForeignFile, tool: string, key: string): ProblemError {
  return new ProblemError({
    code: 'import-wrong-file',
    summary: `${name} is no file of ${tool}: it has no \`${key}\`. Nothing was written.`,
    fix: 'Name another file, or the tool that it belongs to: llmops import --help',
  });
}
