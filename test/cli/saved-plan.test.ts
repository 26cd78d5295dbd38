import { rmSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tinyGguf } from '../catalog/tiny.ts';
import { newStage, type Stage } from './stage.ts';

/** A stage with `x.plan` saved in it. */
async function saved(models: Readonly<Record<string, string>> = { chat: 'context: 256' }, ...flags: string[]): Promise<Stage> {
  const stage = await newStage();
  stage.declare(models);
  const ended = await stage.run('plan', '--out', 'x.plan', ...flags);
  expect(ended.code, ended.stderr).toBe(0);
  return stage;
}

describe('A saved plan', () => {
  it('is applied exactly, without a yes, and the hint under the plan is the command for it', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'context: 256' });
    expect((await stage.run('plan', '-out=my first.plan')).stdout).toContain("llmops apply 'my first.plan'");
    stage.declare({ chat: 'context: 512', embed: '' });
    expect((await stage.run('apply', 'my first.plan')).code).toBe(0);
    const [copy] = stage.engines.realm('one').instances.values();
    expect(copy?.spec.fields['context']).toBe(256);
    expect(stage.running()).toHaveLength(1);
  });

  it('is readable by its owner alone, and `show` prints it', async () => {
    const stage = await saved();
    expect(statSync(`${stage.dir}/x.plan`).mode & 0o777).toBe(0o600);
    expect((await stage.run('show', 'x.plan')).stdout).toContain('Plan: 1 to add');
    expect(JSON.parse((await stage.run('show', 'x.plan', '--json')).stdout)).toHaveProperty('steps');
  });

  it('goes by what it was planned with: --target, --replace, --allow-destroy', async () => {
    const stage = await saved({ chat: '', embed: '' }, '--target', 'chat');
    expect((await stage.run('apply', 'x.plan')).code).toBe(0);
    expect(stage.running()).toHaveLength(1);
    await stage.run('plan', '--replace', 'chat', '--target', 'chat', '--out', 'y.plan');
    expect((await stage.run('apply', 'y.plan')).code).toBe(0);
    stage.declare({});
    await stage.run('plan', '--allow-destroy', '--out', 'z.plan');
    expect((await stage.run('apply', 'z.plan')).code).toBe(0);
    expect(stage.running()).toEqual([]);
  });

  it('of a destroy is performed as such', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    await stage.run('plan', '--destroy', '--out', 'x.plan');
    expect((await stage.run('apply', 'x.plan')).code).toBe(0);
    expect(stage.running()).toEqual([]);
  });

  it('with nothing in it is applied to nothing', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    expect((await stage.run('plan', '--out', 'x.plan')).stdout).toContain('There is nothing in it to apply.');
    expect(await stage.run('apply', 'x.plan')).toMatchObject({ code: 0, stdout: expect.stringContaining('No changes.') as string });
  });

  it('still applies when llmops.yaml is gone, and history tells its text', async () => {
    const stage = await saved();
    const planned = stage.read('llmops.yaml');
    rmSync(`${stage.dir}/llmops.yaml`);
    expect((await stage.run('apply', 'x.plan')).code).toBe(0);
    stage.write('llmops.yaml', planned);
    const { source } = JSON.parse((await stage.run('show', '1', '--json')).stdout) as { source: { text: string } };
    expect(source.text).toBe(planned);
    expect((await stage.run('plan', '--detailed-exitcode')).code).toBe(0);
  });

  it.each([
    ['--target', 'chat'],
    ['--replace', 'chat'],
    ['--allow-destroy'],
    ['--env', 'prod'],
    ['-f', 'llmops.yaml'],
    ['--state-dir', 's'],
    ['--supervise'],
  ])('takes no %s', async (...flags) => {
    const stage = await saved();
    const ended = await stage.run('apply', 'x.plan', ...flags);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('flags-with-plan-file');
    expect(stage.running()).toEqual([]);
  });

  it('that has errors is not saved', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    expect((await stage.run('plan', '--target', 'nope', '--out', 'x.plan')).stderr).toContain('Not saved');
    expect((await stage.run('apply', 'x.plan')).stderr).toContain('no-plan-file');
  });

  it('that was edited, is of another version or is something else is refused', async () => {
    const stage = await saved();
    const text = stage.read('x.plan');
    const tries = {
      'plan-edited': text.replace('"context": 256', '"context": 999'),
      'plan-version': text.replace('"1.0"', '"2.0"'),
      'not-a-plan-file': 'version: 1',
    };
    for (const [code, content] of Object.entries(tries)) {
      stage.write('x.plan', content);
      expect((await stage.run('apply', 'x.plan')).stderr).toContain(code);
    }
    stage.write('x.plan', text.slice(0, -100));
    expect((await stage.run('apply', 'x.plan')).stderr).toContain('not-a-plan-file');
    expect(stage.running()).toEqual([]);
  });
});

describe('A saved plan is refused as stale, with 6, when', () => {
  const CHANGES: Readonly<Record<string, (stage: Stage) => unknown>> = {
    'a copy ended meanwhile': (stage) => stage.engines.realm('one').instances.clear(),
    'a copy was changed meanwhile': (stage) => {
      for (const copy of stage.engines.realm('one').instances.values()) copy.loaded = { ...copy.loaded, context: 1 };
    },
    'another apply ran meanwhile': (stage) => stage.run('apply', '-y'),
    'another apply began meanwhile and came to nothing but a record': async (stage) => {
      stage.declare({ chat: 'context: 256' });
      await stage.run('apply', '-y', '--replace', 'chat');
    },
    'the state is gone': (stage) => rmSync(stage.stateDir, { recursive: true }),
    'its backend does not answer any more': (stage) => stage.engines.fault({ kind: 'status', path: /^\/one/ }),
    'its weights are others now': (stage) => stage.write('w.gguf', tinyGguf({ tensors: { 'output.weight': 16 } })),
    'its weights are gone': (stage) => rmSync(`${stage.dir}/w.gguf`),
  };

  it.each(Object.entries(CHANGES))('%s', async (_, change) => {
    const stage = await newStage();
    stage.declare({ chat: 'context: 256' });
    await stage.run('apply', '-y');
    stage.declare({ chat: 'context: 512' });
    await stage.run('plan', '--out', 'x.plan');
    await change(stage);
    stage.asked();
    const before = stage.running();
    const ended = await stage.run('apply', 'x.plan', '--detailed-exitcode');
    expect(ended.code, ended.stdout + ended.stderr).toBe(6);
    expect(ended.stderr).toMatch(/Since this plan was saved .*[\s\S]*\[plan-stale\]/);
    expect(ended.stderr).toContain('Nothing was changed');
    expect(stage.running()).toEqual(before);
    expect(stage.asked().filter((request) => !request.startsWith('GET'))).toEqual([]);
    expect((await stage.run('apply', 'x.plan')).code).toBe(1);
  });

  it('it was applied once', async () => {
    const stage = await saved();
    expect((await stage.run('apply', 'x.plan')).code).toBe(0);
    expect((await stage.run('apply', 'x.plan', '--detailed-exitcode')).code).toBe(6);
  });

  it('and not because others came and went, or time passed', async () => {
    const stage = await saved();
    stage.write('other.gguf', tinyGguf());
    const foreign = { id: 'x-1', mark: 'somebody', phase: 'serving', spec: { model: 'x', fields: {}, weights: { bytes: 1 } } };
    stage.engines.realm('one').instances.set('x-1', foreign as never);
    expect((await stage.run('apply', 'x.plan', '--detailed-exitcode')).code).toBe(0);
  });
});
