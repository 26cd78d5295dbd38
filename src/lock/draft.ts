import { marksOf, type Mark } from './tokens.ts';

/** Where text is put, or put in the place of other text. UTF-16 units. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** A text with changes to be made to it. All offsets are those of the former text; what no change touches keeps its bytes. */
export class Draft {
  readonly text: string;
  readonly #newline: string;
  readonly #edits: Edit[] = [];
  readonly #comments: readonly Mark[];
  readonly #dropped: (readonly [from: number, to: number])[] = [];

  constructor(text: string) {
    this.#newline = text.includes('\r\n') ? '\r\n' : '\n';
    this.text = text.endsWith('\n') ? text : `${text}${this.#newline}`;
    this.#comments = marksOf(this.text).comments;
  }

  lineStart(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1;
  }

  /** Behind the line feed of the line that an offset is in. */
  lineEnd(offset: number): number {
    const end = this.text.indexOf('\n', offset);
    return end === -1 ? this.text.length : end + 1;
  }

  /** How far from the left edge an offset is. */
  column(offset: number): number {
    return offset - this.lineStart(offset);
  }

  /** Puts a text into the place of another on the same line. */
  replace(from: number, to: number, text: string): void {
    if (this.text.slice(from, to) !== text) this.#edits.push({ from, to, text });
  }

  /** Puts whole lines where a line begins; an empty text is an empty line. */
  insert(at: number, indent: number, lines: readonly string[]): void {
    if (lines.length > 0) this.#edits.push({ from: at, to: at, text: this.#joined(indent, lines) });
  }

  /** Puts other lines into the place of whole lines. Comments among them stay, above. */
  replaceLines(from: number, to: number, indent: number, lines: readonly string[]): void {
    const kept = this.#comments.filter(({ at }) => at >= from && at < to).map(({ text }) => text);
    this.#edits.push({ from, to, text: this.#joined(indent, [...kept, ...lines]) });
  }

  /** Takes whole lines away, with their comments. */
  drop(from: number, to: number): void {
    this.#dropped.push([from, to]);
    this.#edits.push({ from, to, text: '' });
  }

  /** The comments that must be found again in what {@link result} gives. */
  kept(): readonly string[] {
    return this.#comments.filter(({ at }) => !this.#dropped.some(([from, to]) => at >= from && at < to)).map(({ text }) => text);
  }

  /** The changed text; null if two changes overlap. */
  result(): string | null {
    const edits = [...this.#edits].sort((a, b) => a.from - b.from || a.to - b.to);
    let at = 0;
    let result = '';
    for (const edit of edits) {
      if (edit.from < at) return null;
      result += this.text.slice(at, edit.from) + edit.text;
      at = edit.to;
    }
    return result + this.text.slice(at);
  }

  #joined(indent: number, lines: readonly string[]): string {
    return lines.map((line) => (line === '' ? '' : ' '.repeat(indent) + line) + this.#newline).join('');
  }
}
