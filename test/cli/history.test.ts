import { describe, expect, it } from 'vitest';
import { localClock, moment } from '../../src/cli/moment.ts';
import { newStage, type Stage } from './stage.ts';

async function twoModels(): Promise<Stage> {
  const stage = await newStage();
  stage.declare({ chat: 'context: 512', code: '' });
  await stage.run('apply', '-y');
  stage.declare({ chat: 'context: 1024', code: '' });
  await stage.run('apply', '-y');
  return stage;
}

const numbers = (json: string) => (JSON.parse(json) as { generations: { number: number }[] }).generations.map(({ number }) => number);

describe('history', () => {
  it('says what restarted a model, at which time of the local clock', async () => {
    const { stdout } = await (await twoModels()).run('history');
    expect(stdout).toContain('chat: context 512 → 1024');
    expect(stdout).toContain(localClock('2026-05-04T10:00:00.000Z'));
  });

  it('--model leaves the rest out', async () => {
    const stage = await twoModels();
    expect(numbers((await stage.run('history', '--model', 'code', '--json')).stdout)).toEqual([1]);
    expect((await stage.run('history', '--model', 'code')).stdout).not.toContain('chat');
    expect(numbers((await stage.run('history', '--model', 'chat', '--json')).stdout)).toEqual([2, 1]);
  });

  it('--model refuses a name that nothing is about', async () => {
    const told = await (await twoModels()).run('history', '--model', 'caht');
    expect(told).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('unknown-model') as string });
  });

  it('--since takes an age and a time, and says that nothing is so new', async () => {
    const stage = await twoModels();
    expect(numbers((await stage.run('history', '--since', '2h', '--json')).stdout)).toEqual([2, 1]);
    expect(numbers((await stage.run('history', '--since', '2026-05-04T10:00:01Z', '--json')).stdout)).toEqual([]);
    expect((await stage.run('history', '--since', '2026-06-01')).stdout).toContain('All of them: `llmops history`');
    expect((await stage.run('history', '--since', 'yesterday')).code).not.toBe(0);
  });
});

describe('A moment', () => {
  const now = '2026-05-04T10:00:00.000Z';
  it.each([
    ['90s', '2026-05-04T09:58:30.000Z'],
    ['30m', '2026-05-04T09:30:00.000Z'],
    ['2h', '2026-05-04T08:00:00.000Z'],
    ['3d', '2026-05-01T10:00:00.000Z'],
    ['2026-05-01T08:00:00Z', '2026-05-01T08:00:00.000Z'],
  ])('%s is %s', (said, meant) => {
    expect(new Date(moment(said)(now)).toISOString()).toBe(meant);
  });

  it.each(['', '2', 'h', '-2h', '12', '2026', '2026-99-99'])('"%s" is none', (said) => {
    expect(() => moment(said)).toThrow('is needed');
  });
});
