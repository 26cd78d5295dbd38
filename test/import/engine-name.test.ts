import { expect, it } from 'vitest';
import { engineBehind } from '../../src/domain/copies.ts';
import { importOllama } from '../../src/import/ollama/index.ts';

it('an Ollama that is imported is called in llmops.lock what `llmops lock` calls it: else the first lock shows a change where there is none', () => {
  const blob = `/models/blobs/sha256-${'ab'.repeat(32)}`;
  const empty = { tags: { models: [] }, ps: { models: [] }, shown: new Map(), readable: new Set([blob]) };
  const { store } = importOllama({ url: 'http://127.0.0.1:11434', version: '0.34.4', ...empty });
  expect(store).toMatchObject({ folder: '/models', engine: engineBehind('ollama', '0.34.4') });
  expect(store?.engine).toBe('ollama 0.34.4');
});
