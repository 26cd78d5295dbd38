import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newStage, type Stage } from './stage.ts';

/** A stack that was applied, whose model has a log. */
async function logged(): Promise<Stage> {
  const stage = await newStage();
  stage.declare({ chat: '' });
  expect((await stage.run('apply', '-y')).code).toBe(0);
  mkdirSync(join(stage.stateDir, 'logs'), { recursive: true });
  writeFileSync(join(stage.stateDir, 'logs', 'chat-00000000000a.log'), 'here\n');
  return stage;
}

describe('logs of a stack that was applied', () => {
  it.each<[string, (stage: Stage) => void]>([
    ['broken', (stage) => stage.declare({ chat: 'contxt: 1' })],
    ['no YAML any more', (stage) => stage.write('llmops.yaml', '{')],
    ['gone', (stage) => rmSync(join(stage.dir, 'llmops.yaml'))],
  ])('go by the last generation when the file is %s, and say so on stderr alone', async (_, spoil) => {
    const stage = await logged();
    spoil(stage);
    const ended = await stage.run('logs', 'chat');
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: 'here\n' });
    expect(ended.stderr).toContain('by-last-generation');
  });

  it('fail with the mistakes in the file where nothing was ever applied', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'contxt: 1' });
    const ended = await stage.run('logs', 'chat');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('unknown-key');
  });
});
