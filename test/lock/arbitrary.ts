import fc from 'fast-check';
import type { GgufFacts } from '../../src/domain/desired.ts';
import { weightsDigest, type Beside, type Lock, type LockedModel, type Origin, type RemoteFile } from '../../src/domain/weights.ts';
import { hash } from './sample.ts';

/** Digests, among them such that YAML would take for a number. */
export const digest = (length: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length }),
    fc
      .string({ unit: fc.constantFrom(...'0123456789'), minLength: length - 2, maxLength: length - 2 })
      .map((digits) => `${digits[0]}e${digits}`),
  );

/** Any text that a file can hold on one line, among it what YAML reads as something else. */
const word = fc.oneof(
  fc.constantFrom(
    'no',
    'null',
    '~',
    '12',
    '1e5',
    '0x1f',
    '2024-01-01',
    'a: b',
    'a #b',
    '# c',
    '- d',
    '{e}',
    "it's",
    '"',
    '*x',
    '&y',
    '!z',
    '%',
    '@',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => !/\p{Cc}|\p{Cs}/u.test(text)),
  fc.constantFrom('Q4_K_M', 'apache-2.0', 'main', 'Qwen3 8B'),
);
/** What others make up may hold anything. */
const wild = fc.oneof(word, fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('a\nb', '\u001b[31m', '\ud800', '', ' x '));
const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/).filter((text) => text !== 'constructor');
const part = fc.stringMatching(/^[A-Za-z0-9_-][\w.-]{0,8}$/);

const origin: fc.Arbitrary<Origin | null> = fc.oneof(
  fc.constant(null),
  fc.record({ kind: fc.constant('hf' as const), repo: fc.tuple(part, part).map((parts) => parts.join('/')), commit: digest(40) }),
  fc.record({ kind: fc.constant('https' as const), url: part.map((path) => `https://example.com/${path}?a=1#b`) }),
  fc.record(
    {
      kind: fc.constant('ollama' as const),
      host: part,
      name: fc.tuple(part, part).map((parts) => parts.join('/')),
      tag: part,
      access: fc.constant('login' as const),
    },
    { requiredKeys: ['kind', 'host', 'name', 'tag'] },
  ),
);
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const path = word.filter((text) => !text.includes('\\') && text.split('/').every((step) => !['', '.', '..'].includes(step)));
const files: fc.Arbitrary<readonly RemoteFile[]> = fc.uniqueArray(fc.record({ path, bytes: count, sha256: digest(64) }), {
  selector: (file) => file.path,
  minLength: 1,
  maxLength: 4,
});
const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value);
const facts: fc.Arbitrary<GgufFacts> = fc.record({
  architecture: wild,
  name: some(wild),
  quantization: some(word),
  contextTrained: some(count),
  layers: some(count),
  embedding: some(count),
  heads: some(count),
  kvHeads: some(count),
  keyLength: some(count),
  valueLength: some(count),
  vocabulary: some(count),
  experts: some(count),
  feedForward: some(count),
  tensorBytes: count,
});

const beside = fc.constantFrom<readonly Beside[]>(['adapter'], ['projector'], ['adapter', 'projector']);

/** Any entry. */
export const entry: fc.Arbitrary<LockedModel> = fc
  .record({
    source: word,
    revision: some(wild),
    quantization: some(wild),
    origin,
    manifest: some(digest(64)),
    files,
    chatTemplate: some(digest(64)),
    tokenizer: some(digest(64)),
    license: some(wild),
    facts: some(facts),
  })
  .chain((locked) => fc.option(beside).map((found) => (found === null ? locked : { ...locked, beside: found })))
  .map((locked) => ({ ...locked, sha256: weightsDigest(locked.files, hash) }));

/** Any lock. */
export const lock: fc.Arbitrary<Lock> = fc.record({
  models: fc.dictionary(
    fc.oneof(
      name,
      fc.tuple(name, name).map((names) => names.join('@')),
    ),
    entry,
    { maxKeys: 4 },
  ),
  engines: fc.dictionary(name, wild, { maxKeys: 3 }),
});

/** Puts comments, each with a number of its own, behind and between lines of a text, but not above its first key. */
export const commented = (text: string): fc.Arbitrary<string> => {
  const lines = text.trimEnd().split('\n');
  const first = lines.findIndex((line) => !line.startsWith('#'));
  const places = fc.array(fc.tuple(fc.integer({ min: first, max: lines.length - 1 }), fc.constantFrom(-1, 0, 2, 4, 6, 8)), {
    maxLength: 8,
  });
  return places.map((chosen) => {
    const rows = [...lines];
    for (const [number, [row, indent]] of chosen.entries()) {
      if (indent >= 0) rows[row] += `\n${' '.repeat(indent)}# c${number}`;
      else if (!rows[row]!.includes('\n')) rows[row] += rows[row] === '' ? `# c${number}` : ` # c${number}`;
    }
    return `${rows.join('\n')}\n`;
  });
};
