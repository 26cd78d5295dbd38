import { parseDocument, visit, type Document } from 'yaml';
import { locate } from './locate.ts';
import type { Located, Span } from './located.ts';
import { Findings } from './report.ts';
import type { SecretRanges } from './secrets.ts';
import type { TextFile } from './text.ts';

/** The file as values with positions; null if it is not one YAML mapping. Everything wrong goes to `findings`. */
export function parse(file: TextFile, findings: Findings): { readonly root: Located | null; readonly secrets: SecretRanges } {
  const document = parseSafely(file, findings);
  if (document === null) return { root: null, secrets: [] };
  syntaxFindings(document, file, findings);
  // What is found in the ruins of broken text is not worth saying; its secrets are still to be masked.
  const { root, secrets } = locate(document, file, findings.isEmpty ? findings : new Findings());
  if (root === null) {
    if (findings.isEmpty) findings.add({ code: 'empty-file', summary: 'the file is empty', expected: 'a stack', fix: START, at: [0, 0] });
    return { root: null, secrets };
  }
  if (root.node.kind !== 'map' && findings.isEmpty) {
    findings.add({
      code: 'not-a-mapping',
      summary: `the file is ${root.node.kind === 'list' ? 'a list' : 'a single value'}`,
      expected: 'keys and values',
      fix: START,
      at: root.at,
    });
  }
  return { root, secrets };
}

const START = 'Start with `version: 1`, or type: llmops init';

/** The library recurses, so thousands of nested brackets exhaust the stack: that is the file's fault, not ours. */
function parseSafely(file: TextFile, findings: Findings): Document.Parsed | null {
  const deep = deepFlow(file.text);
  if (deep !== null) {
    findings.add({
      code: 'yaml-too-deep',
      summary: 'brackets are nested too deeply',
      expected: `at most ${MAX_FLOW} levels`,
      at: [deep, deep + 1],
    });
    return null;
  }
  try {
    // With logLevel `silent` a second document goes unsaid. uniqueKeys is quadratic in the library; `locate` finds duplicates with a Map.
    return parseDocument(file.text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    findings.add({ code: 'yaml-too-deep', summary: 'values are nested too deeply', expected: 'at most 64 levels', at: [0, 0] });
    return null;
  }
}

const MAX_FLOW = 200;

/** Offset at which more than {@link MAX_FLOW} brackets are open without a line in between that closes some; a cheap bound, not a parser. */
function deepFlow(text: string): number | null {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) depth += 1;
    else if (code === 0x5d || code === 0x7d) depth = Math.max(0, depth - 1);
    if (depth > MAX_FLOW) return at;
  }
  return null;
}

const MESSAGES: Readonly<
  Record<string, { readonly code: string; readonly summary: string; readonly expected?: string; readonly fix?: string }>
> = {
  TAB_AS_INDENT: { code: 'yaml-tab', summary: 'a tab is used to indent', expected: 'spaces', fix: 'Replace the tab by spaces.' },
  MULTIPLE_DOCS: {
    code: 'yaml-documents',
    summary: 'a second document begins here',
    expected: 'one document for one stack',
    fix: 'Remove the `---`, or move what follows into a file of its own.',
  },
  BAD_ALIAS: { code: 'yaml-alias', summary: 'an alias names no anchor', expected: 'an anchor (`&name`) above it' },
  RESOURCE_EXHAUSTION: { code: 'yaml-too-deep', summary: 'values are nested too deeply', expected: 'at most 64 levels' },
  TAG_RESOLVE_FAILED: { code: 'yaml-tag', summary: 'a tag is not known here', expected: 'plain values', fix: 'Remove the tag (`!...`).' },
};

function syntaxFindings(document: Document.Parsed, file: TextFile, findings: Findings): void {
  let said = false;
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const at = [pos[0], Math.max(pos[0] + 1, pos[1])] as const;
    const known = MESSAGES[code];
    if (known) findings.add({ ...known, at });
    else if (startsWithTab(file, pos[0])) findings.add({ ...MESSAGES['TAB_AS_INDENT']!, at });
    // One slip makes the library report everything after it as well: only the first is worth reading.
    else if (!said && /closing .*quote/i.test(message)) findings.add({ ...UNCLOSED, at: lastQuote(document, pos[0]), broken: true });
    else if (!said)
      findings.add({ code: 'yaml-syntax', summary: readable(message), expected: 'YAML 1.2', ...hint(code), at, broken: true });
    said ||= !known;
  }
}

const UNCLOSED = { code: 'yaml-syntax', summary: 'this is not YAML: a quote is not closed', expected: 'a closing quote', fix: 'Close it.' };

/** Where the quote was opened: more use than the end of the file, where the library notices. */
function lastQuote(document: Document.Parsed, end: number): Span {
  let at: Span = [end, end + 1];
  visit(document, {
    Scalar: (_, { type, range }) => {
      if (type?.startsWith('QUOTE') && range && range[0] < end) at = [range[0], range[0] + 1];
    },
  });
  return at;
}

function startsWithTab(file: TextFile, offset: number): boolean {
  return /^ *\t/.test(file.line(file.position(offset).line).text.slice(0, 200));
}

/** The library's message as the end of a sentence, without text from the file. */
function readable(message: string): string {
  const sentence = message
    .split('\n')[0]!
    .replace(/: .*$/, '')
    .replace(/"[^"]*"/g, 'text')
    .slice(0, 120);
  return `this is not YAML: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`;
}

const HINTS: Readonly<Record<string, string>> = {
  MISSING_CHAR: 'Close what was opened: a quote, a bracket, a comma between two items.',
  BAD_INDENT: 'Indent it as its neighbours are.',
  IMPOSSIBLE: 'Check the indentation, and that each key has a `:` followed by a space.',
  MULTILINE_IMPLICIT_KEY: 'Check that each key has a `:` followed by a space.',
  BLOCK_AS_IMPLICIT_KEY: 'Put the value on its own line, or quote it if it contains `: `.',
  UNEXPECTED_TOKEN: 'Quote the value if it starts with a sign such as `@`, `%` or a backtick.',
};

function hint(code: string): { readonly fix?: string } {
  const fix = HINTS[code];
  return fix === undefined ? {} : { fix };
}
