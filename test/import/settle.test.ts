import { describe, expect, it } from 'vitest';
import { entry, group, type Entry, type Imported } from '../../src/import/imported.ts';
import { settle } from '../../src/import/index.ts';
import { check } from './case.ts';

const OPTIONS = { stack: 'desk', schema: null };

function withModel(entries: readonly Entry[], backend: readonly Entry[] = []): Imported {
  return {
    from: 'a test',
    backends: [{ original: 'here', notes: [], entries: [...entry('type', 'llama.cpp'), ...backend] }],
    models: [{ original: 'Chat', backend: 'here', notes: [], entries: [...entry('source', 'file:a.gguf'), ...entries] }],
    notCarried: [],
  };
}

describe('What llmops does not take', () => {
  it('is left out, and said where it stood', () => {
    const { imported, text, left } = settle(
      withModel([...entry('context', 4096), ...group('options', [...entry('colour', 'blue'), ...entry('threads', 0)])], entry('speed', 1)),
      OPTIONS,
      check,
    );
    expect(left).toEqual([]);
    expect(text).toContain('context: 4096');
    expect(text).not.toContain('options:');
    expect(imported.notCarried).toEqual([
      { what: 'speed', why: 'llmops has no key for it', where: 'here' },
      { what: 'options.colour', why: 'llmops has no key for it', where: 'Chat' },
      { what: 'options.threads', why: expect.stringContaining('llmops'), where: 'Chat' },
    ]);
  });

  it('takes its model along where the model means nothing without it', () => {
    const { imported, text } = settle(
      { ...withModel([]), models: [{ original: 'Chat', backend: 'here', notes: [], entries: entry('source', 'file:') }] },
      OPTIONS,
      check,
    );
    expect(imported.models).toEqual([]);
    expect(text).toContain('models: {}');
    expect(imported.notCarried).toEqual([{ what: 'Chat', why: expect.stringContaining('its `source` is nothing that llmops can use') }]);
  });

  it('takes a backend along, and then its models', () => {
    const { imported, left } = settle(
      { ...withModel([]), backends: [{ original: 'here', notes: [], entries: entry('type', 'abacus') }] },
      OPTIONS,
      check,
    );
    expect([imported.backends, imported.models, left]).toEqual([[], [], []]);
    expect(imported.notCarried.map(({ what }) => what)).toEqual(['here', 'Chat']);
  });
});
