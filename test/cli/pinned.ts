import { expect } from 'vitest';
import { newStage, type Stage } from './stage.ts';

/** A stage with models from a file, pinned. */
export async function pinned(models: Readonly<Record<string, string>> = { chat: '' }): Promise<Stage> {
  const stage = await newStage();
  stage.declare(models);
  const ended = await stage.run('lock');
  expect(ended.code, ended.stderr).toBe(0);
  return stage;
}

/** The text of its lock. */
export const lockOf = (stage: Stage): string => stage.read('llmops.lock');

/** Names of the entries in its lock. */
export const entriesIn = (stage: Stage): readonly string[] => [...lockOf(stage).matchAll(/^ {2}([\w@]+):$/gm)].map((match) => match[1]!);
