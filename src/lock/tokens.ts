import { Parser } from 'yaml';

/** A piece of the text: where it begins, in UTF-16 units, and what it is. */
export interface Mark {
  readonly at: number;
  readonly text: string;
}

interface Token {
  readonly type?: unknown;
  readonly offset?: unknown;
  readonly source?: unknown;
}

/** The comments of a YAML text (without the line's end), and its anchors and aliases, in the order of the text. Never throws; takes no recursion. */
export function marksOf(text: string): { readonly comments: readonly Mark[]; readonly anchors: readonly Mark[] } {
  const comments: Mark[] = [];
  const anchors: Mark[] = [];
  const open: unknown[] = [...new Parser().parse(text)];
  while (open.length > 0) {
    const node = open.pop();
    if (node === null || typeof node !== 'object') continue;
    const { type, offset, source } = node as Token;
    if (typeof offset === 'number' && typeof source === 'string') {
      if (type === 'comment') comments.push({ at: offset, text: source.trimEnd() });
      if (type === 'anchor' || type === 'alias') anchors.push({ at: offset, text: source });
    }
    for (const child of Object.values(node)) if (child !== null && typeof child === 'object') open.push(child);
  }
  const inOrder = (a: Mark, b: Mark): number => a.at - b.at;
  return { comments: comments.sort(inOrder), anchors: anchors.sort(inOrder) };
}
