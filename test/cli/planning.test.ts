import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newStage, schemaErrors, stackFile } from './stage.ts';

describe('plan', () => {
  it('exits 0 with changes and without them; with --detailed-exitcode 2 and 0', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'context: 256' });
    expect((await stage.run('plan')).code).toBe(0);
    expect((await stage.run('plan', '-detailed-exitcode')).code).toBe(2);
    expect((await stage.run('apply', '-y')).code).toBe(0);
    expect((await stage.run('plan', '--detailed-exitcode')).code).toBe(0);
  });

  it('exits 1 for a file that is not valid, 3 with the detailed code, and says why on stderr alone', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'contxt: 256' });
    const plain = await stage.run('plan', '--json');
    expect(plain).toMatchObject({ code: 1, stdout: '' });
    expect(plain.stderr).toContain('llmops.yaml:7:');
    expect((await stage.run('plan', '--detailed-exitcode')).code).toBe(3);
    expect(stage.asked()).toEqual([]);
  });

  it('exits 4 for what guards and protection refuse', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'protect: true' });
    await stage.run('apply', '-y');
    stage.declare({ other: '' });
    expect(await stage.run('plan', '--detailed-exitcode')).toMatchObject({
      code: 4,
      stdout: expect.stringContaining('[protected]') as string,
    });
    expect((await stage.run('plan')).code).toBe(1);
  });

  it('exits 4 for a file that declares nothing any more, unless that is said to be meant', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    stage.declare({});
    expect(await stage.run('plan', '--detailed-exitcode')).toMatchObject({
      code: 4,
      stdout: expect.stringContaining('[mass-delete]') as string,
    });
    expect((await stage.run('plan', '--detailed-exitcode', '--allow-destroy')).code).toBe(2);
  });

  it('fails where nothing can be done about a model: its backend does not answer, its weights are missing', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'backend: two', code: 'source: "file:gone.gguf"', embed: '' });
    stage.engines.fault({ kind: 'status', path: /^\/two\// });
    const ended = await stage.run('plan', '--detailed-exitcode');
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('[backend-unreachable]');
    expect(ended.stdout).toContain('[weights-missing]');
    expect(ended.stdout).toContain('Plan: 1 to add');
  });

  it('--json is one document that its schema describes; --json-into writes the same beside the text', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'context: 256' });
    const { stdout } = await stage.run('plan', '--json', '--json-into', 'plan.json');
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(schemaErrors('plan', JSON.parse(stdout))).toEqual([]);
    expect(stage.read('plan.json')).toBe(stdout);
    const text = await stage.run('plan', '--json-into=again.json');
    expect(text.stdout).toContain('Plan: 1 to add');
    expect(stage.read('again.json')).toBe(stdout);
  });

  it('--format markdown is for a pull request', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'context: 256' });
    const { stdout } = await stage.run('plan', '--format', 'markdown');
    expect(stdout).toMatch(/^#/m);
    expect(stdout.length).toBeLessThan(65_536);
  });

  it('--concise gives each model one line', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'context: 256', embed: '' });
    const lines = (await stage.run('plan', '--concise')).stdout.split('\n').filter((line) => /model\.(chat|embed)/.test(line));
    expect(lines).toHaveLength(2);
    expect((await stage.run('plan', '--concise')).stdout).not.toContain('downtime');
  });

  it.each([['--json-into'], ['--out']])('a file that %s cannot write is an error that says so, not a bug', async (flag) => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    for (const path of ['nowhere/x', '.', '/dev/full']) {
      const ended = await stage.run('plan', flag, path);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain('cannot-write-file');
      expect(ended.stderr).toContain(flag);
    }
  });

  it('flags that contradict each other are refused before anything is looked at', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    expect((await stage.run('plan', '--destroy', '--refresh-only')).stderr).toContain('conflicting-flags');
    expect((await stage.run('plan', '--against', 'seen.json', '--out', 'x')).stderr).toContain('plan-against-snapshot');
    expect(stage.asked()).toEqual([]);
  });
});

describe('What a plan is about', () => {
  it('--target limits it to some models, and an unknown one gets a suggestion', async () => {
    const stage = await newStage();
    stage.declare({ chat: '', code: '', embed: '' });
    const { stdout } = await stage.run('plan', '--target', 'chat', '-target=embed', '--json');
    expect((JSON.parse(stdout) as { changes: { model: string }[] }).changes.map(({ model }) => model)).toEqual(['chat', 'embed']);
    const typo = await stage.run('plan', '--target', 'embde');
    expect(typo.code).toBe(1);
    expect(typo.stdout).toContain('Did you mean `--target embed`?');
  });

  it('--replace restarts a model about which nothing differs', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    expect((await stage.run('plan', '--replace', 'chat', '--detailed-exitcode')).code).toBe(2);
    expect((await stage.run('plan', '--replace', 'caht')).stdout).toContain('--replace chat');
  });

  it('--refresh-only shows what others changed, plans nothing, and exits 2 on drift with the detailed code', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'context: 256' });
    await stage.run('apply', '-y');
    expect((await stage.run('plan', '--refresh-only', '--detailed-exitcode')).code).toBe(0);
    for (const copy of stage.engines.realm('one').instances.values()) copy.loaded = { ...copy.loaded, context: 128 };
    const ended = await stage.run('plan', '--refresh-only', '--detailed-exitcode');
    expect(ended.code).toBe(2);
    expect(ended.stdout).toContain('Drift: 1 difference');
    expect((await stage.run('plan', '--refresh-only')).code).toBe(0);
  });

  it('--destroy plans the end of everything', async () => {
    const stage = await newStage();
    stage.declare({ chat: '', embed: '' });
    await stage.run('apply', '-y');
    expect((await stage.run('plan', '--destroy')).stdout).toContain('2 to destroy');
  });

  it('--env and LLMOPS_ENV take an overlay; the flag wins, and an empty variable is none', async () => {
    const stage = await newStage();
    stage.declare(
      { chat: 'context: 256' },
      'environments:\n  prod: { models: { chat: { context: 512 } } }\n  test: { models: { chat: { context: 128 } } }\n',
    );
    const contextOf = async (env: string, ...args: string[]): Promise<string> => {
      const world = stage.command({ env: { LLMOPS_ENV: env } });
      await world.llmops('plan', ...args);
      return /context +(\d+)/.exec(world.stdout.text)?.[1] ?? world.stderr.text;
    };
    expect(await contextOf('')).toBe('256');
    expect(await contextOf('prod')).toBe('512');
    expect(await contextOf('prod', '--env', 'test')).toBe('128');
    expect(await contextOf('stage')).toContain('stage');
  });

  it('-f names the file, -C the folder in which everything is looked for', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    stage.write('other.yaml', stage.read('llmops.yaml').replace('chat:', 'talk:'));
    expect((await stage.run('plan', '-f', 'other.yaml')).stdout).toContain('model.talk');
    const world = stage.command({ at: stage.command() });
    expect(await world.llmops('-C', '../desk', 'plan', '--out', 'x.plan')).toBe(0);
    expect(world.stdout.text).toContain('llmops -C ../desk apply x.plan');
    expect(stage.read('x.plan')).toContain('llmops-plan');
  });
});

describe('A plan against a snapshot', () => {
  it('asks no engine, needs no weights, and takes what the file says now', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'context: 256', embed: '' });
    await stage.run('apply', '-y');
    await stage.run('status', '--snapshot', 'seen.json');
    stage.asked();
    stage.write('llmops.yaml', stage.read('llmops.yaml').replace('256', '512'));
    rmSync(`${stage.dir}/w.gguf`);
    const ended = await stage.run('plan', '--against', 'seen.json', '--detailed-exitcode');
    expect(ended.stdout).toContain('256 → 512');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/seen\.json, taken 2026-05-0\d \d\d:\d\d:00: no engine was asked/);
    expect(stage.asked()).toEqual([]);
  });

  it('names weights that neither lie here nor stand in the snapshot', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('status', '--snapshot', 'seen.json');
    stage.declare({ chat: '', code: 'source: "file:new.gguf"' });
    const ended = await stage.run('plan', '--against', 'seen.json');
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('[weights-missing]');
    expect(ended.stdout).toContain('Plan: 1 to add');
  });

  it('fills in the weights of one model, and says of its neighbour on the same line that they are nowhere', async () => {
    const stage = await newStage();
    const declare = (models: string) => stage.write('llmops.yaml', `${stackFile({}).replace('models: {}', `models: { ${models} }`)}`);
    const chat = 'chat: { backend: one, source: "file:w.gguf" }';
    declare(chat);
    await stage.run('status', '--snapshot', 'seen.json');
    rmSync(`${stage.dir}/w.gguf`);
    declare(`${chat}, code: { backend: one, source: "file:new.gguf" }`);
    const ended = await stage.run('plan', '--against', 'seen.json');
    expect(ended.stdout).toContain('Plan: 1 to add');
    expect(ended.stdout).toMatch(/model\.code on one .*: blocked/);
    expect(ended.stdout.match(/\[[a-z-]+\]/g)).toEqual(['[weights-missing]']);
  });

  it('refuses a file that is no snapshot, and one of another stack', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    for (const text of ['', 'null', '[]', '{"kind":"llmops-plan"}', '{"kind":"llmops-snapshot","formatVersion":"9.0"}']) {
      stage.write('bad.json', text);
      expect((await stage.run('plan', '--against', 'bad.json')).stderr).toContain('bad-snapshot');
    }
    await stage.run('status', '--snapshot', 'seen.json');
    stage.write('llmops.yaml', stage.read('llmops.yaml').replace('name: desk', 'name: shop'));
    expect((await stage.run('plan', '--against', 'seen.json')).stderr).toContain('snapshot-of-another-stack');
  });
});
