import { describe, expect, it } from 'vitest';
import { inForce } from '../../src/stack/in-force.ts';
import { openSession } from '../../src/stack/session.ts';
import { newStage } from '../cli/stage.ts';

describe('The stack that is in force', () => {
  it('is what was applied last, with a model whose change failed as it was before, and no engine is asked for that', async () => {
    const stage = await newStage();
    const swap = 'rollout: { strategy: swap }';
    stage.declare({ chat: `context: 256, ${swap}`, embed: 'context: 256' });
    await stage.run('apply', '-y');
    stage.declare({ chat: `context: 512, ${swap}`, embed: 'context: 512' });
    stage.engines.fault({ kind: 'status', method: 'POST', path: /probe/, at: 1 });
    await stage.run('apply', '-y', '--target', 'chat');
    stage.declare({ chat: 'context: 1024', embed: 'context: 1024' });
    const { context } = stage.command();
    const session = await openSession(context, {});
    stage.asked();
    const { desired } = await inForce(context, session)();
    expect(desired.models.map((model) => [model.name, model.context])).toEqual([
      ['chat', 256],
      ['embed', 256],
    ]);
    expect(stage.asked()).toEqual([]);
  });
});
