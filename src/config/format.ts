import { isMap, isNode, isSeq, parseDocument, visit, type Document, type Pair, type Scalar } from 'yaml';
import { CONTROL, MAX_BYTES } from './text.ts';

/**
 * The text in canonical style: two spaces a level, lists indented below their key, quotes only where they are needed,
 * no trailing blanks. Comments, the order of keys and every value stay. Text that is not
 * acceptable YAML comes back unchanged: `readConfig` says what is wrong with it.
 */
export function formatConfig(text: string): string {
  if (text.length > MAX_BYTES || CONTROL.test(text) || text.includes(MARK)) return text;
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const before = parsed(source);
  if (before === null || before.contents === null) return text;
  visit(before, { Scalar: (_, node) => unquote(node), Collection: (_, node) => tidy(node), Pair: (_, pair) => markComment(pair, source) });
  const after = tight(
    onKeyLines(before.toString({ indent: 2, indentSeq: true, lineWidth: 0, singleQuote: true, flowCollectionPadding: true })),
  );
  return sameMeaning(source, after) ? after : text;
}

function parsed(text: string): Document.Parsed | null {
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    });
    return document.errors.length === 0 && document.warnings.length === 0 ? document : null;
  } catch (error) {
    if (error instanceof RangeError) return null; // nested too deeply
    throw error;
  }
}

/** `[a, b]` and `{ a: b }`, as people write them; the library pads both or neither. */
function tight(text: string): string {
  const document = parsed(text);
  const blanks: number[] = [];
  if (document) {
    visit(document, {
      Seq: (_, { flow, items, range }) => {
        if (!flow || items.length === 0 || !range) return;
        if (text[range[0] + 1] === ' ') blanks.push(range[0] + 1);
        if (text[range[1] - 2] === ' ' && text[range[1] - 3] !== ' ' && text[range[1] - 3] !== '\n') blanks.push(range[1] - 2);
      },
    });
  }
  let at = 0;
  const parts = blanks
    .sort((a, b) => a - b)
    .map((blank) => {
      const part = text.slice(at, blank);
      at = blank + 1;
      return part;
    });
  return parts.join('') + text.slice(at);
}

/** The library puts the quotes back where a plain text would mean something else. */
function unquote(node: Scalar): void {
  if ((node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') && typeof node.value === 'string') node.type = 'PLAIN';
}

function tidy(node: unknown): void {
  if ((isMap(node) || isSeq(node)) && node.items.length === 0) node.flow = true;
}

/** A character for private use, which no sane file contains. */
const MARK = '\uE0F1';

/** `chat: # ours`: the library would move the comment below the key. It is marked here and moved back in {@link onKeyLines}. */
function markComment({ key, value }: Pair, source: string): void {
  if (!isNode(key) || !key.range || !(isMap(value) || isSeq(value)) || value.flow || !value.commentBefore) return;
  const end = source.indexOf('\n', key.range[1]);
  if (source.slice(key.range[1], end === -1 ? undefined : end).includes('#')) value.commentBefore = MARK + value.commentBefore;
}

function onKeyLines(text: string): string {
  return text.replace(new RegExp(`\\n *#${MARK}`, 'g'), ' #');
}

/** A formatter that changes what a file says would be worse than none, so it checks itself. */
function sameMeaning(before: string, after: string): boolean {
  const [a, b] = [parsed(before), parsed(after)];
  if (a === null || b === null) return false;
  try {
    return JSON.stringify(a.toJS({ maxAliasCount: 1000 })) === JSON.stringify(b.toJS({ maxAliasCount: 1000 }));
  } catch {
    return false; // aliases that explode: nothing to compare
  }
}
