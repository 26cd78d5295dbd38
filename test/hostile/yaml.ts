import fc from 'fast-check';

/** What somebody, or some program, may do to a text. */
export type Mutation = (text: string) => string;

/** Pieces that mean something to YAML, to JavaScript, or to a terminal. */
const TOKENS = `{ } [ ] : *a | > !! % @ " ' # ~ null .inf .nan 0x10 1e400 __proto__ constructor 😀`
  .split(' ')
  .concat(': ', '- ', '? ', '&a ', '<<: ', '!x ', '`', '\t', '\r', '\u0000', '\uFEFF', '---\n', '...\n', '\u2028', '\uD800', '<<<<<<< ');
const VALUES = ['null', '[]', '{}', '-1', '1e999', 'true', '""', '*x', '[[1]]', '{ a: { b: 1 } }', ''];

const withLines = (text: string, change: (rows: string[]) => void): string => {
  const rows = text.split('\n');
  change(rows);
  return rows.join('\n');
};

/** Mutations of a YAML text about as long as `sample`: pieces put in and taken out, lines moved, indented and given other values. */
export function mutationsOf(sample: string): fc.Arbitrary<Mutation> {
  const lines = sample.split('\n');
  const at = fc.nat({ max: sample.length });
  const row = fc.nat({ max: lines.length - 1 });
  const onRow = (index: number, change: (line: string) => string): Mutation => {
    return (text) => withLines(text, (rows) => (rows[index] = change(rows[index] ?? '')));
  };
  return fc.oneof(
    fc.tuple(at, fc.constantFrom(...TOKENS)).map(([index, token]): Mutation => {
      return (text) => text.slice(0, index) + token + text.slice(index);
    }),
    fc.tuple(at, fc.nat({ max: 30 })).map(([index, count]): Mutation => {
      return (text) => text.slice(0, index) + text.slice(index + count);
    }),
    row.map(
      (index): Mutation =>
        (text) =>
          withLines(text, (rows) => rows.splice(index, 1)),
    ),
    fc.tuple(row, row).map(([from, to]): Mutation => {
      return (text) => withLines(text, (rows) => rows.splice(to, 0, rows[from] ?? ''));
    }),
    fc.tuple(row, fc.constantFrom(' ', '  ', '\t', '      ')).map(([index, indent]) => onRow(index, (line) => indent + line)),
    row.map((index) => onRow(index, (line) => line.replace(/^ {1,2}/, ''))),
    fc.tuple(row, fc.constantFrom(...VALUES)).map(([index, value]) => onRow(index, (line) => line.replace(/: .*/, `: ${value}`))),
    at.map(
      (index): Mutation =>
        (text) =>
          text.slice(0, index),
    ),
    fc.constant<Mutation>((text) => text.replaceAll('\n', '\r\n')),
    fc.constant<Mutation>((text) => `\uFEFF${text}`),
  );
}

/** Lists in which each stands ten times in the next: little text, and no end of it once it is expanded. */
export function aliasBomb(levels: number): string {
  const line = (level: number): string =>
    `a${level}: &a${level} [${Array.from({ length: 10 }, () => (level === 0 ? 'x' : `*a${level - 1}`)).join(', ')}]\n`;
  return Array.from({ length: levels }, (_, level) => line(level)).join('');
}
