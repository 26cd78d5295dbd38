import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { acquireLease } from '../../src/state/index.ts';
import { newStage, records, schemaErrors, type Stage } from './stage.ts';

/** The verb as a person at a terminal calls it, typing this. */
async function typed(stage: Stage, stdin: string | undefined, ...argv: string[]) {
  const world = stage.command({ tty: true, stdinTty: true, ...(stdin === undefined ? {} : { stdin }) });
  return { code: await world.llmops(...argv), stdout: world.stdout.text, stderr: world.stderr.text };
}

async function generations(stage: Stage): Promise<number> {
  return (JSON.parse((await stage.run('history', '--json')).stdout) as { generations: unknown[] }).generations.length;
}

describe('apply asks', () => {
  it('for a literal yes, after it has shown the plan', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const ended = await typed(stage, 'yes\n', 'apply', '--no-color');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('Plan: 1 to add');
    expect(ended.stderr).toContain("Only 'yes' is taken as approval");
    expect(stage.running()).toHaveLength(1);
  });

  it.each(['y\n', 'YES\n', 'Yes\n', 'no\n', '\n', '', 'yes please\n'])('and takes %j for a no', async (answer) => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const ended = await typed(stage, answer, 'apply', '--detailed-exitcode');
    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain('Nothing was changed');
    expect(stage.running()).toEqual([]);
    expect(await generations(stage)).toBe(0);
  });

  it('and Ctrl-C at the question ends it with 130', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const world = stage.command({ tty: true, stdinTty: true });
    const ended = world.llmops('apply');
    await world.stderr.until('taken as approval');
    world.interrupt();
    expect(await ended).toBe(130);
    expect(world.stderr.text).toContain('Nothing was changed');
    expect(stage.running()).toEqual([]);
    expect((await stage.run('apply', '-y')).code).toBe(0);
  });

  it('nothing when nothing would change', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    const ended = await typed(stage, undefined, 'apply');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('No changes.');
    expect(ended.stderr).toBe('');
  });

  it.each([
    ['without a terminal', { stdinTty: false, tty: true }, {}],
    ['where the question could not be seen', { stdinTty: true, tty: false }, {}],
    ['with LLMOPS_INPUT=0', { stdinTty: true, tty: true }, { LLMOPS_INPUT: '0' }],
  ])('and fails at once, before it looks at anything, %s', async (_, terminal, env) => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const world = stage.command({ ...terminal, env });
    expect(await world.llmops('apply', '--detailed-exitcode')).toBe(4);
    expect(world.stderr.text).toContain('--auto-approve');
    expect(world.stdout.text).toBe('');
    expect(stage.asked()).toEqual([]);
  });

  it.each(['-y', '--yes', '--auto-approve', '-auto-approve'])('nobody with %s', async (flag) => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    expect((await stage.run('apply', flag)).code).toBe(0);
    expect(stage.running()).toHaveLength(1);
  });
});

describe('apply', () => {
  it('that finds nothing to do says so, exits 0 and writes no generation', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    const again = await stage.run('apply', '-y', '--detailed-exitcode');
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain('No changes.');
    expect(await generations(stage)).toBe(1);
  });

  it('records the text that was planned, also if the file is edited meanwhile', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const planned = stage.read('llmops.yaml');
    const world = stage.command({ tty: true, stdinTty: true, stdin: 'yes\n' });
    const ended = world.llmops('apply');
    await world.stdout.until('Plan:');
    stage.declare({ chat: 'context: 512' });
    expect(await ended).toBe(0);
    const { source } = JSON.parse((await stage.run('show', '1', '--json')).stdout) as { source: { text: string } };
    expect(source.text).toBe(planned);
    expect((await stage.run('plan', '--detailed-exitcode')).code).toBe(2);
  });

  it('--parallelism limits how many steps run at the same time', async () => {
    const stage = await newStage({ startMs: 20, probeMs: 20 });
    stage.declare({ a: '', b: '', c: '', d: '' });
    expect((await stage.run('apply', '-y', '--parallelism', '1')).code).toBe(0);
    expect(stage.engines.peak.get('one')).toBe(1);
    expect((await stage.run('apply', '--parallelism', '0')).code).toBe(1);
  });

  it('goes on with the others when one model fails, and says what is done, what is not, and what to type', async () => {
    const stage = await newStage();
    stage.declare({ chat: '', embed: 'backend: two' });
    stage.engines.fault({ kind: 'status', method: 'PUT', path: /^\/one\// });
    const ended = await stage.run('apply', '-y', '--detailed-exitcode');
    expect(ended.code).toBe(7);
    expect(ended.stdout).toMatch(/What is done[\s\S]*embed[\s\S]*What is not[\s\S]*chat[\s\S]*llmops apply/);
    expect(stage.running('two')).toHaveLength(1);
    stage.engines.clearFaults();
    expect((await stage.run('apply', '-y')).code).toBe(0);
  });

  it('goes on with the others when a backend does not answer', async () => {
    const stage = await newStage();
    stage.declare({ chat: '', embed: 'backend: two' });
    stage.engines.fault({ kind: 'drop', path: /^\/one\// });
    expect((await stage.run('apply', '-y', '--detailed-exitcode')).code).toBe(7);
    expect((await stage.run('apply', '-y')).code).toBe(1);
    expect(stage.running('two')).toHaveLength(1);
    expect(stage.running('one')).toEqual([]);
  });

  it('settles what a cut-off run left open, although there is nothing else to do', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    const journal = stage.read('../state/llmops/desk/journal.ndjson').trimEnd().split('\n');
    const end = journal.findLastIndex((line) => line.includes('"kind":"end"'));
    stage.write('../state/llmops/desk/journal.ndjson', `${journal.slice(0, end).join('\n')}\n`);
    expect((await stage.run('plan')).stdout).toMatch(/interrupted|cut off/i);
    expect((await stage.run('apply', '-y')).code).toBe(0);
    expect((await stage.run('plan')).stdout).not.toMatch(/interrupted|cut off/i);
    expect(await generations(stage)).toBe(1);
  });
});

describe('apply --json', () => {
  it('is a stream: the version, the plan, what happens, and at last the result, each as its schema says', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const all = records((await stage.run('apply', '-y', '--json')).stdout);
    expect(all.map(({ type }) => type)).toEqual(expect.arrayContaining(['run.started', 'step.started', 'step.done', 'run.finished']));
    expect([all[0]?.type, all[1]?.type, all.at(-1)?.type]).toEqual(['version', 'plan', 'result']);
    expect(all.flatMap((record) => schemaErrors('event', record))).toEqual([]);
    expect(all.at(-1)).toMatchObject({ outcome: 'succeeded', generation: 1, problems: [] });
  });

  it.each([
    ['nothing is to do', (stage: Stage): Promise<unknown> => stage.run('apply', '-y'), 'succeeded', null],
    ['the file is not valid', (stage: Stage): void => stage.declare({ chat: 'contxt: 1' }), 'failed', 'unknown-key'],
    [
      'a guard refuses',
      async (stage: Stage): Promise<void> => (await stage.run('apply', '-y'), stage.declare({})),
      'failed',
      'mass-delete',
    ],
    ['weights are missing', (stage: Stage): void => rmSync(`${stage.dir}/w.gguf`), 'failed', 'weights-missing'],
  ] as const)('ends with a result also when %s', async (_, prepare, outcome, code) => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await prepare(stage);
    const all = records((await stage.run('apply', '-y', '--json')).stdout);
    expect(all[0]).toEqual({ type: 'version', format: '1.0' });
    expect(all.flatMap((record) => schemaErrors('event', record))).toEqual([]);
    const { problems } = all.at(-1) as unknown as { problems: { code: string }[] };
    expect(all.at(-1)).toMatchObject({ type: 'result', outcome });
    expect(problems.map((problem) => problem.code)).toEqual(code === null ? [] : [code]);
  });
});

describe('Two applies at once', () => {
  it('the second exits at once with 5 and names the first; a plan and a status are not held up', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const lease = await acquireLease(stage.stateDir, { command: 'llmops apply', waitMs: 0 });
    const ended = await stage.run('apply', '-y', '--detailed-exitcode');
    expect(ended.code).toBe(5);
    expect(ended.stderr).toMatch(new RegExp(`pid ${process.pid} \\(llmops apply, .+@.+, since \\d{4}-.+\\)`));
    expect(ended.stderr).toContain('--lock-timeout');
    expect(stage.asked()).toEqual([]);
    expect((await stage.run('plan')).code).toBe(0);
    expect((await stage.run('status')).stdout).toContain(`pid ${process.pid}`);
    lease.release();
    expect((await stage.run('apply', '-y')).code).toBe(0);
  });

  it('--lock-timeout waits, says for whom, and goes on', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const lease = await acquireLease(stage.stateDir, { command: 'llmops destroy', waitMs: 0 });
    const world = stage.command();
    const ended = world.llmops('apply', '-y', '--lock-timeout', '50s');
    await world.stderr.until('Waiting up to 50 s');
    expect(world.stderr.text).toMatch(
      /^This stack is being changed by pid \d+ \(llmops destroy, .*\)\. Waiting up to 50 s for it to end\.$/m,
    );
    lease.release();
    expect(await ended).toBe(0);
  });

  it('Ctrl-C ends the waiting', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const lease = await acquireLease(stage.stateDir, { command: 'llmops apply', waitMs: 0 });
    const world = stage.command();
    const ended = world.llmops('apply', '-y', '--lock-timeout', '1h');
    await world.stderr.until('Waiting');
    world.interrupt();
    expect(await ended).toBe(130);
    lease.release();
  });
});

describe('A stack name that another file has taken', () => {
  it.each([['plan'], ['apply', '-y'], ['down'], ['destroy', '-y'], ['status'], ['diff'], ['history'], ['show', '1']])(
    "is refused by %s %s, so that the other models are neither shown as this file's nor ended",
    async (...argv) => {
      const stage = await newStage();
      stage.declare({ chat: '', code: '' });
      await stage.run('apply', '-y');
      stage.write('other.yaml', stage.read('llmops.yaml').replace('code:', 'embed:'));
      const ended = await stage.run(...argv, '-f', 'other.yaml');
      expect(ended.code).toBe(argv[0] === 'diff' ? 2 : 1);
      expect(ended.stdout).toBe('');
      expect(ended.stderr).toContain('stack-name-taken');
      expect(ended.stderr).toContain('--state-dir');
      expect(stage.running()).toHaveLength(2);
    },
  );

  it.each(['down', 'destroy'])('is free again when the other stack was ended with %s, and says from whom it goes over', async (verb) => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    await stage.run(verb, '-y');
    stage.write('other.yaml', stage.read('llmops.yaml'));
    const plan = await stage.run('plan', '-f', 'other.yaml');
    expect([plan.code, plan.stdout.replace(/\s+/g, ' ')]).toEqual([0, expect.stringContaining('whose stack is down')]);
    const ended = await stage.run('apply', '-y', '-f', 'other.yaml');
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('stack-moved')]);
    expect((await stage.run('plan')).stderr).toContain('stack-name-taken');
    expect(stage.running()).toHaveLength(1);
  });

  it('is free again when the other file is gone', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    stage.write('moved.yaml', stage.read('llmops.yaml').replace('chat: {', 'chat: { context: 256,'));
    rmSync(`${stage.dir}/llmops.yaml`);
    const ended = await stage.run('apply', '-y', '-f', 'moved.yaml');
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('stack-moved');
  });

  it.each([
    ['apply', 'apply'],
    ['down', 'destroy'],
    ['destroy', 'destroy'],
  ])('but what the other file declared is not ended by %s, unless that is said to be meant', async (verb, allowed) => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    stage.write('elsewhere.yaml', stage.read('llmops.yaml').replace('chat:', 'other:'));
    rmSync(`${stage.dir}/llmops.yaml`);
    const refused = await stage.run(verb, ...(verb === 'down' ? [] : ['-y']), '--detailed-exitcode', '-f', 'elsewhere.yaml');
    expect(refused.code).toBe(4);
    expect(refused.stdout.replace(/\s+/g, ' ')).toContain('This plan deletes 1 model of a stack desk that was applied from another file');
    expect(refused.stdout.replace(/\s+/g, ' ')).toContain(`llmops ${allowed} --allow-destroy`);
    expect(stage.running()).toEqual([expect.stringMatching(/^chat-/)]);
    expect((await stage.run(allowed, '-y', '--allow-destroy', '-f', 'elsewhere.yaml')).code).toBe(0);
    expect(stage.running()).toEqual(allowed === 'apply' ? [expect.stringMatching(/^other-/)] : []);
  });
});
