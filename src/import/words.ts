/**
 * A command line as words, as a shell would take it apart: quotes, backslashes, line ends that are escaped. Nothing is
 * expanded. null: a quote is left open, or the line does more than start one program (pipes, `&&`, substitution).
 */
export function shellWords(line: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  const text = line.replace(/\\\r?\n/g, ' ').replace(/^\s*#.*$/gm, '');
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] as string;
    if (/\s/.test(sign)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (sign === "'" || sign === '"') {
      const quoted = readQuoted(text, at);
      if (quoted === null) return null;
      word = (word ?? '') + quoted.text;
      at = quoted.end;
    } else if (sign === '\\' && at + 1 < text.length) {
      word = (word ?? '') + text[(at += 1)];
    } else if (/[|;<>`]/.test(sign) || (sign === '&' && word === null) || (sign === '$' && text[at + 1] === '(')) {
      return null;
    } else {
      word = (word ?? '') + sign;
    }
  }
  return word === null ? words : [...words, word];
}

function readQuoted(text: string, start: number): { readonly text: string; readonly end: number } | null {
  const quote = text[start];
  let result = '';
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === quote) return { text: result, end: at };
    if (quote === '"' && text[at] === '\\' && /["\\$`]/.test(text[at + 1] ?? '')) at += 1;
    result += text[at];
  }
  return null;
}

/** The last part of a path, without `.exe`. */
export function programName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).replace(/\.exe$/i, '');
}
