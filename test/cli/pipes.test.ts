import { execFileSync, spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newStage, stackFile, type Stage } from './stage.ts';

/** A stage with a pipe called `ff` that nobody has opened at its other end. */
async function stageWithPipe(): Promise<Stage> {
  const stage = await newStage();
  stage.declare({ chat: '' });
  execFileSync('mkfifo', [join(stage.dir, 'ff')]);
  return stage;
}

describe('A named pipe in the place of a file', () => {
  it.each([
    ['validate -f ff', 'ff cannot be read'],
    ['plan -f ff', 'ff cannot be read'],
    ['status -f ff', 'ff cannot be read'],
    ['down -f ff', 'ff cannot be read'],
    ['fmt ff', 'There is no file ff'],
    ['show ff', 'The plan file ff cannot be read'],
    ['apply ff', 'The plan file ff cannot be read'],
    ['plan --against ff', 'The snapshot ff cannot be read'],
    ['import compose ff --stdout', 'ff cannot be read: it is not a file'],
    ['plan --out ff', 'ff cannot be written'],
    ['plan --json-into ff', 'ff cannot be written'],
    ['status --snapshot ff', 'ff cannot be written'],
  ])('is refused, since nothing could call the opening of it back: %s', async (line, why) => {
    const { code, stderr } = await (await stageWithPipe()).run(...line.split(' '));
    expect(stderr.replace(/\s+/g, ' ')).toContain(why);
    if (why.includes('cannot be') && !why.includes('not a file')) expect(stderr.replace(/\s+/g, ' ')).toContain('it is a named pipe');
    expect(code).toBe(1);
  });

  it.each(['plan', 'lock --check', 'lock'])('also as llmops.lock: %s', async (line) => {
    const stage = await stageWithPipe();
    symlinkSync('ff', join(stage.dir, 'llmops.lock'));
    const { code, stderr } = await stage.run(...line.split(' '));
    expect([code, stderr.replace(/\s+/g, ' ')]).toEqual([
      1,
      expect.stringContaining('llmops.lock cannot be read: it is a named pipe') as string,
    ]);
  });
});

describe('A pipe that a shell hands over is read like a file', () => {
  it.each(['cat given | llmops validate -f /dev/stdin', 'cat given | llmops validate -f /dev/fd/3 3<&0 </dev/null'])('%s', async (line) => {
    const { dir, write } = await newStage();
    write('given', stackFile({ chat: '' }));
    const program = `llmops() { ${JSON.stringify(process.execPath)} ${JSON.stringify(join(import.meta.dirname, '../../src/main.ts'))} "$@"; }`;
    const { stdout, stderr, status } = spawnSync('/bin/sh', ['-c', `${program}; ${line}`], { cwd: dir, encoding: 'utf8' });
    expect([status, stdout], stderr).toEqual([0, expect.stringContaining('is valid: 1 model on 2 backends') as string]);
  });
});
