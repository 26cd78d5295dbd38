import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newStage, schemaErrors, stackFile, type Stage } from './stage.ts';

async function applied(models: Readonly<Record<string, string>> = { chat: 'context: 256' }): Promise<Stage> {
  const stage = await newStage();
  stage.declare(models);
  expect((await stage.run('apply', '-y')).code).toBe(0);
  return stage;
}

describe('down', () => {
  it('stops what this stack started, asks nothing, and keeps files and history', async () => {
    const stage = await applied({ chat: 'protect: true', embed: '' });
    const ended = await stage.run('down');
    expect(ended.code, ended.stderr).toBe(0);
    expect(stage.running()).toEqual([]);
    expect((await stage.run('history')).stdout).toContain('down');
    expect((await stage.run('down')).stdout).toContain('No changes.');
    expect((await stage.run('apply', '-y')).code).toBe(0);
    expect(stage.running()).toHaveLength(2);
  });

  it('--target stops one of them', async () => {
    const stage = await applied({ chat: '', embed: '' });
    expect((await stage.run('down', '--target', 'chat')).code).toBe(0);
    expect(stage.running()).toEqual([expect.stringMatching(/^embed-/)]);
    expect(await stage.run('down', '--target', 'embde')).toMatchObject({ code: 1, stdout: expect.stringContaining('embed') as string });
  });

  it('never touches what others run', async () => {
    const stage = await applied();
    const foreign = { id: 'x-1', mark: 'somebody', phase: 'serving', spec: { model: 'x', fields: {}, weights: { bytes: 1 } } };
    stage.engines.realm('one').instances.set('x-1', foreign as never);
    await stage.run('down');
    expect(stage.running()).toEqual(['x-1']);
  });
});

describe('destroy', () => {
  it('asks first, then ends everything and forgets it', async () => {
    const stage = await applied();
    const world = stage.command({ tty: true, stdinTty: true, stdin: 'no\n' });
    expect(await world.llmops('destroy')).toBe(1);
    expect(world.stderr.text).toContain('Do you really want to destroy');
    expect(stage.running()).toHaveLength(1);
    expect((await stage.run('destroy', '-y')).code).toBe(0);
    expect(stage.running()).toEqual([]);
    expect((await stage.run('plan')).stdout).toContain('1 to add');
  });

  it.each(['down', 'destroy'])('is told by status and plan as what ended all of it, and so is down: %s', async (verb) => {
    const stage = await applied({ chat: '', embed: '' });
    expect((await stage.run('down', '--target', 'chat')).code).toBe(0);
    expect((await stage.run('status')).stdout).toMatch(/^Applied +generation 2,/m);
    expect((await stage.run(verb, '-y')).code).toBe(0);
    expect((await stage.run('status')).stdout).toMatch(
      new RegExp(`^Applied +nothing now: \`llmops ${verb}\` ended it .*\\(generation 3\\)`, 'm'),
    );
    expect((await stage.run('plan')).stdout).toMatch(
      new RegExp(`^Baseline +nothing now: \`llmops ${verb}\` ended it .*\\(generation 3\\)`, 'm'),
    );
    for (const [name, argv] of [
      ['status', ['status', '--json']],
      ['plan', ['plan', '--json']],
    ] as const) {
      const document: unknown = JSON.parse((await stage.run(...argv)).stdout);
      expect(schemaErrors(name, document)).toEqual([]);
      expect(JSON.stringify(document)).toContain(`"endedBy":"${verb}"`);
    }
    expect((await stage.run('apply', '-y')).code).toBe(0);
    expect((await stage.run('status')).stdout).toMatch(/^Applied +generation 4,/m);
  });

  it('refuses a protected model with 4', async () => {
    const stage = await applied({ chat: 'protect: true' });
    expect((await stage.run('destroy', '-y', '--detailed-exitcode')).code).toBe(4);
    expect(stage.running()).toHaveLength(1);
  });
});

describe('A file that is gone or broken', () => {
  const WAYS: readonly (readonly [string, (stage: Stage) => void])[] = [
    ['is gone', (stage) => rmSync(`${stage.dir}/llmops.yaml`)],
    ['is not valid', (stage) => stage.declare({ chat: 'contxt: 1' })],
    ['is no YAML', (stage) => stage.write('llmops.yaml', 'models: [\n')],
  ];

  it.each(WAYS)('%s: down, destroy, status, history and show go by the last generation, and say so', async (_, ruin) => {
    const stage = await applied({ chat: 'context: 256' });
    ruin(stage);
    const status = await stage.run('status');
    expect(status.code).toBe(1);
    expect(status.stdout).toContain('chat');
    expect(status.stderr).toContain('by-last-generation');
    const json = JSON.parse((await stage.run('status', '--json')).stdout) as { stack: string };
    expect(schemaErrors('status', json)).toEqual([]);
    expect(json.stack).toBe('desk');
    expect((await stage.run('history')).code).toBe(0);
    expect((await stage.run('show', '1')).code).toBe(0);
    const down = await stage.run('down');
    expect(down.code, down.stderr).toBe(0);
    expect(down.stderr).toContain('generation 1 of desk');
    expect(stage.running()).toEqual([]);
    expect((await stage.run('destroy', '-y')).code).toBe(0);
  });

  it.each([['plan'], ['apply', '-y'], ['diff']])('%s refuses it', async (...argv) => {
    const stage = await applied();
    stage.declare({ chat: 'contxt: 1' });
    const ended = await stage.run(...argv);
    expect(ended.code).toBe(argv[0] === 'diff' ? 2 : 1);
    expect(ended.stderr).toContain('llmops.yaml:7');
    expect(stage.running()).toHaveLength(1);
  });

  it('of a stack that was never applied is the error that it is', async () => {
    const stage = await newStage();
    expect(await stage.run('down')).toMatchObject({ code: 1, stderr: expect.stringContaining('llmops init') as string });
    stage.declare({ chat: 'contxt: 1' });
    expect((await stage.run('down', '--detailed-exitcode')).code).toBe(3);
  });

  it('is no need for the state folder that --state-dir names', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y', '--state-dir', 'here');
    rmSync(`${stage.dir}/llmops.yaml`);
    expect((await stage.run('down')).code).toBe(1);
    expect((await stage.run('down', '--state-dir', 'here')).code).toBe(0);
    expect(stage.running()).toEqual([]);
  });
});

describe('diff', () => {
  it('exits as diff(1) does: 0 the same, 1 different, 2 trouble', async () => {
    const stage = await applied();
    expect(await stage.run('diff')).toMatchObject({ code: 0, stdout: '' });
    stage.declare({ chat: 'context: 512' });
    const ended = await stage.run('diff');
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('-  context: 256');
    expect(ended.stdout).toContain('+  context: 512');
    stage.engines.fault({ kind: 'drop', path: /one/ });
    expect((await stage.run('diff')).code).toBe(2);
  });

  it('compares two generations, or one with the file', async () => {
    const stage = await applied();
    stage.declare({ chat: 'context: 512' });
    await stage.run('apply', '-y');
    const ended = await stage.run('diff', '1', '2');
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/--- generation 1\n\+\+\+ generation 2/);
    expect((await stage.run('diff', '2')).code).toBe(0);
    expect((await stage.run('diff', '2', '2')).code).toBe(0);
    expect(await stage.run('diff', '1', '9')).toMatchObject({ code: 2, stderr: expect.stringContaining('no generation 9') as string });
    expect((await stage.run('diff', 'HEAD')).code).toBe(2);
  });
});

describe('status', () => {
  it('as a table, wide, and as JSON that its schema describes', async () => {
    const stage = await applied({ chat: 'context: 256', embed: '' });
    expect((await stage.run('status')).stdout).toMatch(/chat[\s\S]*embed/);
    expect((await stage.run('status', '-o', 'wide')).stdout).toContain('context');
    for (const flags of [['--json'], ['-o', 'json']]) {
      const status = JSON.parse((await stage.run('status', ...flags)).stdout) as { applied: object; summary: object };
      expect(schemaErrors('status', status)).toEqual([]);
      expect(status.summary).toEqual({ declared: 2, ready: 2, serving: 2 });
      expect(status.applied).toMatchObject({ generation: 1, revision: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    }
  });

  it('of the models that are named; an unknown name gets a suggestion', async () => {
    const stage = await applied({ chat: '', embed: '' });
    const ended = await stage.run('status', 'embed');
    expect(ended.stdout).toContain('embed');
    expect(ended.stdout).not.toContain('chat');
    const typo = await stage.run('status', 'embde');
    expect(typo).toMatchObject({ code: 1, stdout: '' });
    expect(typo.stderr).toContain('embde: this stack has no model of that name. [unknown-model]');
    expect(typo.stderr).toContain('Did you mean `embed`?');
    expect((await stage.run('status', 'zzz', '--snapshot', 'seen.json')).stderr).toContain('Models of this stack: chat, embed.');
    expect(() => stage.read('seen.json')).toThrow('ENOENT');
  });

  it('of a model that this version does not act on, by its name too', async () => {
    const stage = await applied({ chat: '' });
    stage.write(
      'llmops.yaml',
      stackFile({ chat: '', big: 'backend: cloud' }).replace('backends:', 'backends:\n  cloud: { type: vllm, command: vllm }'),
    );
    const ended = await stage.run('status', 'big');
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toContain('big');
  });

  it('--exit-code is 2 unless every model is as declared', async () => {
    const stage = await applied();
    expect((await stage.run('status', '--exit-code')).code).toBe(0);
    stage.declare({ chat: 'context: 512' });
    expect((await stage.run('status', '--exit-code')).code).toBe(2);
    expect((await stage.run('status')).code).toBe(0);
    stage.engines.fault({ kind: 'drop', path: /one/ });
    expect((await stage.run('status', '--exit-code')).code).toBe(2);
  });
});

describe('history and show', () => {
  it('tell who did what when, newest first, and how it ended', async () => {
    const stage = await applied();
    stage.declare({ chat: 'context: 512' });
    await stage.run('apply', '-y');
    const lines = (await stage.run('history')).stdout.split('\n');
    expect(lines.findIndex((line) => /^\s*2\b/.test(line))).toBeLessThan(lines.findIndex((line) => /^\s*1\b/.test(line)));
    expect((await stage.run('history', '-n', '1')).stdout).not.toMatch(/^\s*1\b/m);
    expect((await stage.run('show', '2')).stdout).toContain('512');
    expect((await stage.run('show')).stdout, 'the newest').toBe((await stage.run('show', '2')).stdout);
    expect(await stage.run('show', '7')).toMatchObject({ code: 1, stderr: expect.stringContaining('llmops history') as string });
    expect(await stage.run('show', 'nope')).toMatchObject({ code: 1, stderr: expect.stringContaining('no-plan-file') as string });
  });

  it('say what to type before anything was applied', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    expect((await stage.run('history')).stdout).toContain('llmops apply');
  });
});
