interface Row {
  text: string;
  /** It goes on in the next row, because it did not fit. */
  wrapped: boolean;
}

/** A terminal that wraps and, when it is resized, reflows, as far as llmops' own output goes. Throws for what it does not know. */
export class Terminal {
  #rows: Row[] = [{ text: '', wrapped: false }];
  #row = 0;
  #column = 0;
  #columns: number;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** What is on it, without empty rows. */
  get rows(): readonly string[] {
    return this.#rows.map(({ text }) => text.trimEnd()).filter((text) => text !== '');
  }

  write(bytes: string): void {
    for (const part of bytes.match(/\u001b\[[0-9;]*[A-Za-z]|[\s\S]/gu) ?? []) this.#take(part);
  }

  /** The cursor must stand at the beginning of the last row, as it does after every picture. */
  resize(columns: number): void {
    const lines: string[] = [];
    let open = false;
    for (const { text, wrapped } of this.#rows.slice(0, this.#row)) {
      if (open) lines.push(`${lines.pop()}${text}`);
      else lines.push(text);
      open = wrapped;
    }
    this.#rows = lines.flatMap((line) => split(line, columns));
    this.#row = this.#rows.length;
    this.#columns = columns;
    this.#reach();
  }

  #take(part: string): void {
    const sequence = /^\u001b\[([0-9;]*)([A-Za-z])$/.exec(part);
    const row = this.#reach();
    if (sequence?.[2] === 'A') this.#row = Math.max(0, this.#row - Number(sequence[1] || 1));
    else if (sequence?.[2] === 'K') Object.assign(row, { text: row.text.slice(0, this.#column), wrapped: false });
    else if (sequence?.[2] === 'J') this.#rows.splice(this.#row, Infinity, { text: row.text.slice(0, this.#column), wrapped: false });
    else if (part === '\r') this.#column = 0;
    else if (part === '\n') [this.#row, this.#column] = [this.#row + 1, 0];
    else if (sequence?.[2] !== 'm') this.#put(part, row);
    this.#reach();
  }

  #put(character: string, row: Row): void {
    if (character < ' ') throw new Error(`not known: ${JSON.stringify(character)}`);
    if (this.#column === this.#columns) {
      row.wrapped = true;
      [this.#row, this.#column] = [this.#row + 1, 0];
      return this.#put(character, this.#reach());
    }
    row.text = `${row.text.slice(0, this.#column).padEnd(this.#column)}${character}${row.text.slice(this.#column + 1)}`;
    this.#column += 1;
  }

  #reach(): Row {
    while (this.#rows.length <= this.#row) this.#rows.push({ text: '', wrapped: false });
    return this.#rows[this.#row] as Row;
  }
}

function split(line: string, columns: number): Row[] {
  const count = Math.max(1, Math.ceil(line.length / columns));
  return Array.from({ length: count }, (_, index) => ({
    text: line.slice(index * columns, (index + 1) * columns),
    wrapped: index < count - 1,
  }));
}
