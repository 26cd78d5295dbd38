import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeResult } from '../../src/cli/write-file.ts';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'llmops-write-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('A result written into a named file', () => {
  it.each(['llmops.yaml', 'weights.gguf', 'notes.json'])('never replaces what llmops did not write: %s', async (name) => {
    const path = join(dir, name);
    writeFileSync(path, name === 'notes.json' ? '{"mine": 1}' : 'version: 1\n');
    const before = readFileSync(path, 'utf8');
    await expect(writeResult(path, '{"kind":"llmops-plan"}', '--out')).rejects.toMatchObject({ problem: { code: 'cannot-write-file' } });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(dir)).toEqual([name]);
  });

  it.each(['{\n "kind": "llmops-plan",', '{"kind":"llmops-snapshot"', '{"formatVersion":"1.0",', ''])(
    'replaces its own earlier one: %j',
    async (earlier) => {
      const path = join(dir, 'saved');
      writeFileSync(path, earlier);
      chmodSync(path, 0o644);
      await writeResult(path, 'new', '--out');
      expect(readFileSync(path, 'utf8')).toBe('new');
      expect(statSync(path).mode & 0o777).toBe(0o600);
    },
  );

  it('follows a link to where it points, and leaves the link', async () => {
    writeFileSync(join(dir, 'target'), '');
    symlinkSync('target', join(dir, 'link'));
    await writeResult(join(dir, 'link'), 'new', '--out');
    expect(readFileSync(join(dir, 'target'), 'utf8')).toBe('new');
    expect(readdirSync(dir).toSorted()).toEqual(['link', 'target']);
  });

  it('says why where it cannot', async () => {
    await expect(writeResult(join(dir, 'no/folder'), '', '--out')).rejects.toMatchObject({
      problem: { summary: expect.stringContaining('its folder does not exist'), fix: expect.stringContaining('--out') },
    });
  });
});
