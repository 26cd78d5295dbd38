import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { startHub, type FakeHubOptions } from '../sources/fake-hub.ts';
import { weightsNamed } from '../sources/setup.ts';
import { newStage, type Ended, type Stage } from './stage.ts';

const COMMIT = 'c'.repeat(40);
/** What the Hub has. */
export const WEIGHTS = weightsNamed('desk');

/** A stage with a Hub. */
export interface Kitchen extends Stage {
  /** As `run`, with the Hub to be found. */
  readonly hub: (...argv: string[]) => Promise<Ended>;
  /** Folder of the store. */
  readonly store: string;
}

/** A stage whose model comes from a Hub, and is pinned. */
export async function kitchen(options: Partial<FakeHubOptions> = {}, lock = true): Promise<Kitchen> {
  const stage = await newStage();
  const repo = { commits: { [COMMIT]: { 'desk-Q4_K_M.gguf': WEIGHTS } }, refs: { main: COMMIT } };
  const hub = await startHub({ repos: { 'kitchen/desk': repo }, ...options });
  const run = async (...argv: string[]): Promise<Ended> => {
    const world = stage.command({ env: { HF_ENDPOINT: hub.origin } });
    const code = await world.llmops(...argv);
    return { code, stdout: world.stdout.text, stderr: world.stderr.text };
  };
  stage.declare({ chat: 'source: hf:kitchen/desk, context: 512' });
  if (lock) expect(await run('lock')).toMatchObject({ code: 0 });
  return { ...stage, hub: run, store: join(dirname(stage.dir), 'cache', 'llmops', 'weights') };
}
