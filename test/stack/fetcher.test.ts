import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { StepOf } from '../../src/domain/plan.ts';
import { fetcher } from '../../src/stack/store.ts';
import { startFiles } from '../cli/file-server.ts';

const SIZE = 40_000;
const PARTS = Array.from({ length: 6 }, (_, index) => ({
  path: `desk-0000${index + 1}-of-00006.gguf`,
  content: Buffer.alloc(SIZE, index + 1),
}));

it('A fetch of several files tells all of them first, and those that are here as whole, so that its total never runs backwards', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'llmops-fetcher-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const server = await startFiles(Object.fromEntries(PARTS.map(({ path, content }) => [path, content])));
  const files = PARTS.map(({ path, content }) => ({ path, bytes: SIZE, sha256: createHash('sha256').update(content).digest('hex') }));
  const context = { env: { HOME: dir, XDG_CACHE_HOME: dir }, signal: new AbortController().signal };
  const fetch = fetcher({ backends: [] } as never, context as never);
  const told: (readonly [string, number, number | null])[] = [];
  const io = { signal: context.signal, progress: () => undefined, transfer: (...words: (typeof told)[number]) => void told.push(words) };
  const bring = (some: typeof files) =>
    fetch(
      { op: 'fetch', origin: { kind: 'https', url: `${server.url}/${PARTS[0]?.path}` }, files: some } as unknown as StepOf<'fetch'>,
      io,
    );
  await bring(files.slice(0, 1));
  told.length = 0;
  await bring(files);
  expect(told.slice(0, 6)).toEqual(files.map(({ path }, index) => [path, index === 0 ? SIZE : 0, SIZE]));
  const known = new Map<string, number>();
  const shares = told.map(([file, done]) => {
    known.set(file, done);
    return [...known.values()].reduce((sum, each) => sum + each, 0);
  });
  expect(shares.slice(5)).toEqual(shares.slice(5).toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(6 * SIZE);
});
