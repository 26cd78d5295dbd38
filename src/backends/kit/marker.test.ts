import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMarker, encodeMarker, stackIdOf, type Marker } from './marker.ts';

const text = fc.string({ unit: 'grapheme' });
const marker: fc.Arbitrary<Marker> = fc.record({
  v: fc.constant(1 as const),
  stackId: text,
  stack: text,
  type: text,
  backend: text,
  model: text,
  id: text,
  specHash: text,
  digest: text,
  port: fc.integer({ min: 1, max: 65_535 }),
  logFile: text,
});

describe('The mark of a process', () => {
  it('reads back as it was written, and holds no blank that ps could tear', () => {
    fc.assert(
      fc.property(marker, (value) => {
        const written = encodeMarker(value);
        expect(written).not.toContain(' ');
        expect(decodeMarker(written)).toEqual(value);
      }),
    );
  });

  it('is not found in what is none', () => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (junk) => void expect(decodeMarker(junk)).toBeNull()));
    expect(decodeMarker(null)).toBeNull();
  });

  it('of a later format is not understood, and so never acted on', () => {
    fc.assert(fc.property(marker, (value) => void expect(decodeMarker(JSON.stringify({ ...value, v: 2 }))).toBeNull()));
  });

  it('names a stack by the real place of its state, whether that exists yet or not', () => {
    const dir = realpathSync(mkdtempSync(join(tmpdir(), 'llmops-marker-')));
    try {
      symlinkSync(dir, join(dir, 'link'));
      const before = stackIdOf(join(dir, 'link', 'state'));
      mkdirSync(join(dir, 'state'));
      expect(stackIdOf(join(dir, 'state'))).toBe(before);
      expect(stackIdOf(join(dir, 'link', 'state'))).toBe(before);
      expect(stackIdOf(join(dir, 'other'))).not.toBe(before);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
