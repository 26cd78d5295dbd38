import { describe, expect, it } from 'vitest';
import { newStage, type Stage } from './stage.ts';

/** `chat` runs on `one` and `embed` on `two`; then the file forgets `two`, and `embed` with it. */
async function forgotten(): Promise<Stage> {
  const stage = await newStage();
  stage.declare({ chat: '', embed: 'backend: two' });
  expect((await stage.run('apply', '-y')).code).toBe(0);
  expect([stage.running('one'), stage.running('two')].map((ids) => ids.length)).toEqual([1, 1]);
  stage.declare({ chat: '' });
  stage.write('llmops.yaml', stage.read('llmops.yaml').replace('  two: { type: llama.cpp }\n', ''));
  expect(stage.read('llmops.yaml')).not.toContain('two');
  stage.asked();
  return stage;
}

describe('A backend that was taken out of the file', () => {
  it('is still looked at: a plan shows that its model goes, and refuses as ever what is too much at once', async () => {
    const stage = await forgotten();
    const plain = await stage.run('plan');
    expect(plain.stdout).toMatch(/- .*embed/);
    expect(stage.asked()).toEqual(expect.arrayContaining([expect.stringMatching(/^GET \/two/) as string]));
    const { steps } = JSON.parse((await stage.run('plan', '--json', '--allow-destroy')).stdout) as {
      steps: { op: string; model: string; backend: string }[];
    };
    expect(steps.filter(({ op }) => op === 'stop')).toMatchObject([{ model: 'embed', backend: 'two' }]);
    expect(new Set(steps.map(({ model }) => model))).toEqual(new Set(['embed']));
  });

  it('has its model stopped by apply, and the other one goes on as it was', async () => {
    const stage = await forgotten();
    const before = stage.running('one');
    const ended = await stage.run('apply', '-y', '--allow-destroy');
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(stage.running('two')).toEqual([]);
    expect(stage.running('one')).toEqual(before);
    expect((await stage.run('plan', '--detailed-exitcode')).code).toBe(0);
  });

  it('has its model stopped by down too', async () => {
    const stage = await forgotten();
    expect((await stage.run('down', '-y')).code).toBe(0);
    expect([...stage.running('one'), ...stage.running('two')]).toEqual([]);
  });

  it('that does not answer keeps its model in the plan instead of taking it for gone', async () => {
    const stage = await forgotten();
    stage.engines.fault({ kind: 'status', path: /^\/two/ });
    const ended = await stage.run('apply', '-y', '--allow-destroy', '--detailed-exitcode');
    expect(ended.code).not.toBe(0);
    expect(stage.running('two')).toHaveLength(1);
    stage.engines.clearFaults();
    expect((await stage.run('apply', '-y', '--allow-destroy')).code).toBe(0);
    expect(stage.running('two')).toEqual([]);
  });
});
