import { beforeEach, describe, expect, it } from 'vitest';
import { tinyGguf } from '../catalog/tiny.ts';
import { newStage, records, schemaErrors, type Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => void (stage = await newStage()));

/** The last line of what was printed: where people look for what to type. */
const last = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';
/** Text as it reads without its line breaks. */
const flat = (text: string): string => text.replace(/\s+/g, ' ');

const LOST = 'context: 512, source: "file:lost.gguf"';

describe('A blocked model', () => {
  beforeEach(() => stage.declare({ chat: 'context: 512', lost: LOST }));

  it('holds back nobody else, and the apply says that it is not whole, why, and what to type', async () => {
    const { code, stdout } = await stage.run('apply', '-y');
    expect(code).toBe(1);
    expect(stage.running()).toHaveLength(1);
    expect(stdout).toMatch(/Partly applied in .*: 1 added; 1 model is blocked\. Generation 1\./);
    expect(flat(stdout)).toMatch(/What was left as it is, because it is blocked ✗ lost .*\[weights-missing\]/);
    expect(last(stdout)).toMatch(/^Next: /);
  });

  it('makes the typed exit code that of a partial apply, and history and records say the same', async () => {
    const { code, stdout } = await stage.run('apply', '-y', '--detailed-exitcode', '--json');
    expect(code).toBe(7);
    const result = records(stdout).at(-1);
    expect(result).toMatchObject({ type: 'result', outcome: 'partly', problems: [{ code: 'weights-missing' }] });
    expect(schemaErrors('event', result)).toEqual([]);
    const { stdout: history } = await stage.run('history');
    expect(history).toMatch(/^1 .* partly /m);
    expect(flat(history)).toContain('xlost: blocked: ');
  });

  it('is named by the next apply too, which has nothing else to do', async () => {
    await stage.run('apply', '-y');
    const { code, stdout } = await stage.run('apply', '-y');
    expect(code).toBe(1);
    expect(stdout).toContain('Nothing was changed: 1 model is blocked.');
    expect(last(stdout)).toMatch(/^Next: /);
  });

  it('is told from its neighbour on the same line', async () => {
    stage.write(
      'llmops.yaml',
      `version: 1\nname: desk\nbackends: { one: { type: llama.cpp } }\nmodels: { chat: { backend: one, source: "file:w.gguf" }, lost: { backend: one, source: "file:lost.gguf" }, more: { backend: one, source: "file:w.gguf" } }\n`,
    );
    expect((await stage.run('apply', '-y')).code).toBe(1);
    expect(stage.running().map((id) => id.replace(/-[0-9a-f]+$/, ''))).toEqual(['chat', 'more']);
  });

  it('is told from a neighbour whose name is the first part of its own', async () => {
    stage.declare({ qwen2: '', 'qwen2.5': LOST });
    const { stdout } = await stage.run('apply', '-y');
    expect(stage.running()).toEqual([expect.stringMatching(/^qwen2-[0-9a-f]+$/)]);
    expect(flat(stdout)).toMatch(/✗ qwen2\.5 .*\[weights-missing\]/);
  });

  it('keeps the model that it is the new name of', async () => {
    stage.write('v.gguf', tinyGguf({ tensors: { 'output.weight': 8 } }));
    const other = { other: 'context: 256, source: "file:v.gguf"' };
    stage.declare({ chat: 'context: 512' });
    expect((await stage.run('apply', '-y')).code).toBe(0);
    const running = stage.running();
    stage.declare({ renamed: `context: 512, sha256: "${'a'.repeat(64)}"`, ...other });
    const { code, stdout } = await stage.run('apply', '-y');
    expect(code).toBe(1);
    expect(stage.running()).toEqual([...running, expect.stringMatching(/^other-/)]);
    expect(flat(stdout)).toContain('chat is left running: renamed has the same weights and is blocked');
    expect((await stage.run('apply', '-y', '--target', 'chat')).code).toBe(0);
    expect(stage.running()).toEqual([expect.stringMatching(/^other-/)]);
  });
});

describe('A problem of the whole stack', () => {
  it('holds back everything: the guard against mass deletion says so in the last lines', async () => {
    stage.declare({ a: 'context: 512', b: 'context: 512', c: 'context: 512', d: 'context: 512' });
    expect((await stage.run('apply', '-y')).code).toBe(0);
    stage.declare({ a: 'context: 512', e: 'context: 512, source: "file:w.gguf"' });
    const { code, stdout } = await stage.run('apply', '-y', '--detailed-exitcode');
    expect(code).toBe(4);
    expect(stage.running()).toHaveLength(4);
    expect(flat(stdout)).toContain('Refused. Nothing was changed: what is planned above (1 to add, 3 to destroy) was not done.');
    expect(last(stdout)).toBe('Next: If that is meant: `llmops apply --allow-destroy`.');
    expect((await stage.run('plan')).stdout.trimEnd().split('\n').at(-1)).toMatch(/^Refused: /);
  });

  it('holds back everything: so does a protected model', async () => {
    stage.declare({ chat: 'context: 512, protect: true', more: 'context: 256' });
    expect((await stage.run('apply', '-y')).code).toBe(0);
    stage.declare({ more: 'context: 512' });
    const { code, stdout } = await stage.run('apply', '-y');
    expect(code).toBe(1);
    expect(flat(stdout)).toContain('Refused. Nothing was changed: what is planned above (1 to change) was not done.');
    expect(flat(stdout)).toMatch(/Next: Set `protect: false` on models\.chat and apply that first, if it shall really go\. $/);
  });
});

describe('Ending a model that does not exist', () => {
  it('does not say that nothing runs', async () => {
    stage.declare({ chat: 'context: 512' });
    await stage.run('apply', '-y');
    const { code, stdout } = await stage.run('down', '--target', 'chta', '-y');
    expect(code).toBe(1);
    expect(stdout).not.toContain('Nothing of this stack is running');
    expect(stdout).toContain('No changes. The problems above stand in the way.');
    expect(last(stdout)).toBe('Next: Did you mean `--target chat`?');
    expect(stage.running()).toHaveLength(1);
  });

  it('names the models that do not run, not the stack', async () => {
    stage.declare({ chat: 'context: 512', more: 'context: 256' });
    await stage.run('apply', '-y');
    await stage.run('down', '--target', 'chat', '-y');
    const { code, stdout } = await stage.run('down', '--target', 'chat', '-y');
    expect(code).toBe(0);
    expect(last(stdout)).toBe('No changes. Nothing of chat is running.');
  });
});
