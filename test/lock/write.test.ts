import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLock, writeLock } from '../../src/lock/index.ts';
import type { Lock } from '../../src/domain/weights.ts';
import { commented, entry, lock } from './arbitrary.ts';
import { hash, locked, SAMPLE } from './sample.ts';

const TEXT = writeLock(null, SAMPLE);

function read(text: string): Lock {
  const { lock: found, problems } = parseLock(text, 'llmops.lock', hash);
  expect(problems, text).toEqual([]);
  return found!;
}

const comments = (text: string): readonly string[] => (text.match(/# c\d+$/gm) ?? []).sort();

/** The lines of each entry, with the comments among and beside them. */
function blocks(text: string): ReadonlyMap<string, string> {
  const models = text.slice(text.indexOf('\nmodels:'), text.lastIndexOf('\nengines:'));
  const starts = [...models.matchAll(/^ {2}'?([a-z0-9][^:#']*)'?:/gm)];
  return new Map(
    starts.map((match, index) => {
      const lines = models.slice(match.index, starts[index + 1]?.index).split('\n');
      let end = lines.findLastIndex((line) => !/^ *(?:#.*)?$/.test(line)) + 1;
      while (/^ {3,}#/.test(lines[end] ?? '')) end += 1; // what follows stands above the next one
      lines.length = end;
      return [match[1]!, lines.join('\n')];
    }),
  );
}

describe('A new llmops.lock', () => {
  it('reads well', async () => {
    await expect(TEXT).toMatchFileSnapshot('./llmops.lock');
  });

  it('says in its first lines what it is, what makes it, and where it belongs', () => {
    const head = TEXT.split('\nversion')[0]!;
    expect(head).toContain('`llmops lock`');
    expect(head).toContain('git');
    expect(head.split('\n').every((line) => line.startsWith('# '))).toBe(true);
  });

  it('of nothing is a file of nothing', () => {
    const text = writeLock(null, { models: {}, engines: {} });
    expect(text).toMatch(/\nversion: 1\nmodels: \{\}\n\nengines: \{\}\n$/);
    expect(read(text)).toEqual({ models: {}, engines: {} });
  });

  it('holds exactly what it was made from, whatever that is', () => {
    fc.assert(
      fc.property(lock, (any) => {
        expect(read(writeLock(null, any))).toEqual(any);
      }),
      { numRuns: 60 },
    );
  });

  it('is the same for the same lock, in whatever order it came', () => {
    const backwards = { models: Object.fromEntries(Object.entries(SAMPLE.models).toReversed()), engines: SAMPLE.engines };
    expect(writeLock(null, backwards)).toBe(TEXT);
  });
});

it('The example in docs/lock.md is a lock', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/lock.md'), 'utf8');
  expect(read(/```yaml\n([\s\S]*?)```/.exec(page)![1]!).models['chat']?.origin?.kind).toBe('hf');
});

describe('A llmops.lock that is written again', () => {
  it('with the same lock keeps every byte', () => {
    fc.assert(
      fc.property(
        lock.chain((any) => commented(writeLock(null, any))),
        fc.boolean(),
        (text, windows) => {
          const written = windows ? text.replaceAll('\n', '\r\n') : text;
          expect(writeLock(written, read(written))).toBe(written);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('with one entry changed says the new, keeps every comment, and every byte of the other entries', () => {
    const story = lock
      .filter(({ models }) => Object.keys(models).length > 1)
      .chain((before) =>
        fc.record({
          before: fc.constant(before),
          text: commented(writeLock(null, before)),
          name: fc.constantFrom(...Object.keys(before.models)),
          fresh: entry,
        }),
      );
    fc.assert(
      fc.property(story, ({ before, text, name, fresh }) => {
        const after = { ...before, models: { ...before.models, [name]: fresh } };
        const written = writeLock(text, after);
        expect(read(written)).toEqual(after);
        expect(comments(written)).toEqual(comments(text));
        const [old, now] = [blocks(text), blocks(written)];
        for (const other of old.keys()) if (other !== name) expect(now.get(other)).toBe(old.get(other));
      }),
      { numRuns: 60 },
    );
  });

  it('with any other lock says that one, and keeps the entries that stay as they were', () => {
    const story = fc.tuple(lock, lock).chain(([before, other]) =>
      fc.record({
        before: fc.constant(before),
        text: commented(writeLock(null, before)),
        other: fc.constant(other),
        kept: fc.subarray(Object.keys(before.models)),
      }),
    );
    fc.assert(
      fc.property(story, ({ before, text, other, kept }) => {
        const staying = Object.fromEntries(kept.map((name) => [name, before.models[name]!]));
        const after = { models: { ...other.models, ...staying }, engines: other.engines };
        const written = writeLock(text, after);
        expect(read(written)).toEqual(after);
        const [old, now] = [blocks(text), blocks(written)];
        for (const name of kept) expect(now.get(name)).toBe(old.get(name));
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the order that people gave it, and puts what is new behind what sorts before it', () => {
    const turned = TEXT.replace(/( {2}chat:[\s\S]*?\n\n)([\s\S]*? {2}desk:[\s\S]*?\n\n)/, '$2$1');
    expect(Object.keys(read(turned).models)).toEqual(['chat@prod', 'desk', 'chat', 'embed', 'tiny']);
    const written = writeLock(turned, { ...SAMPLE, models: { ...SAMPLE.models, dusk: locked() } });
    expect(Object.keys(read(written).models)).toEqual(['chat@prod', 'desk', 'chat', 'dusk', 'embed', 'tiny']);
    expect(written.replace(/ {2}dusk:[\s\S]*?\n\n/, '')).toBe(turned);
  });

  it('takes the comment above an entry away with it, and no other', () => {
    const text = TEXT.replace('  desk:', '  # until the new desk comes\n  desk:').replace('  embed:', '  # for search\n  embed:');
    const { desk: _, ...models } = SAMPLE.models;
    const written = writeLock(text, { ...SAMPLE, models });
    expect(written).not.toContain('until the new desk');
    expect(written).toContain('\n\n  # for search\n  embed:');
    expect(written).not.toContain('\n\n\n');
  });

  it('keeps a comment beside a value that is gone', () => {
    const text = TEXT.replace('license: apache-2.0\n', 'license: apache-2.0 # seen by legal\n');
    const written = writeLock(text, { ...SAMPLE, models: { ...SAMPLE.models, chat: locked({ license: null }) } });
    expect(written).toContain('    # seen by legal\n');
  });

  it.each([
    ['its first entry', 'version: 1\nmodels: {} # none yet\n\nengines: {}\n'],
    ['its first entry where nothing at all stood', 'version: 1\nmodels: # none yet\n\nengines:\n'],
  ])('takes %s', (_, text) => {
    const written = writeLock(text, { models: { chat: SAMPLE.models['chat']! }, engines: { local: 'llama-server 0.7.0' } });
    expect(written).toMatch(/^version: 1\nmodels: # none yet\n {2}chat:\n[\s\S]*\n\nengines:\n {2}local: llama-server 0\.7\.0\n$/);
  });

  it('in a style that cannot be edited in place is made anew, with all that people wrote on top', () => {
    const text = `# ours\n${JSON.stringify({ version: 1, models: SAMPLE.models, engines: {} }, null, 1)}`;
    const flow =
      'version: 1\nmodels: {\n  # why\n  a: { source: "file:a", files: [{ path: a, bytes: 1, sha256: ' +
      `${hash('a')} }] }\n}\nengines: {}\n`;
    expect(parseLock(text, 'l', hash).lock).toBeNull();
    const after = { models: { ...read(flow).models, b: locked() }, engines: {} };
    const written = writeLock(flow, after);
    expect(read(written)).toEqual(after);
    expect(written.split('\n')[2]).toBe('# why');
  });

  it('is refused if the text is damaged, rather than lost', () => {
    expect(() => writeLock('models: [', SAMPLE)).toThrow('damaged');
  });
});
