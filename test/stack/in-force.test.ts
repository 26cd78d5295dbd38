import { describe, expect, it } from 'vitest';
import { inForce } from '../../src/stack/in-force.ts';
import { runPlan } from '../../src/stack/run-plan.ts';
import { openSession, type Session } from '../../src/stack/session.ts';
import type { Surroundings } from '../../src/stack/surroundings.ts';
import { planFor, survey } from '../../src/stack/survey.ts';
import { acquireLease } from '../../src/state/index.ts';
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

  it('is not the newer file in whose time a model was started anew', async () => {
    const stage = await newStage();
    const swap = 'rollout: { strategy: swap }';
    stage.declare({ chat: `context: 256, ${swap}` });
    await stage.run('apply', '-y');
    stage.declare({ chat: `context: 512, ${swap}` });
    stage.engines.fault({ kind: 'status', method: 'POST', path: /probe/, at: 1 });
    await stage.run('apply', '-y');
    const { context } = stage.command();
    const session = await openSession(context, {});
    await again(await inForce(context, session)(), context);
    const { desired } = await inForce(context, session)(); // by one that saw nothing of that
    expect(desired.models.map((model) => model.context)).toEqual([256]);
  });

  it('holds a model that is not declared any more, until it was taken down', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'context: 256', embed: 'context: 256' });
    await stage.run('apply', '-y');
    stage.declare({ chat: 'context: 512' });
    await stage.run('apply', '-y', '--target', 'chat');
    const { context } = stage.command();
    const names = async () => (await inForce(context, await openSession(context, {}))()).desired.models.map(({ name }) => name);
    expect(await names()).toEqual(['chat', 'embed']);
    await stage.run('apply', '-y');
    expect(await names()).toEqual(['chat']);
  });

  it('is what the files that options name were, whatever they are now', async () => {
    const stage = await newStage();
    const template = 'options: { chatTemplateFile: chat.jinja }';
    stage.write('chat.jinja', 'one');
    stage.declare({ chat: `context: 256, rollout: { strategy: swap }, ${template}`, embed: `context: 256, ${template}` });
    await stage.run('apply', '-y');
    const before = stage.running();
    stage.write('chat.jinja', 'two');
    stage.declare({ chat: `context: 512, rollout: { strategy: swap }, ${template}`, embed: `context: 256, ${template}` });
    stage.engines.fault({ kind: 'status', method: 'POST', path: /probe/, at: 1 });
    await stage.run('apply', '-y', '--target', 'chat');
    const { context } = stage.command();
    const session = await inForce(context, await openSession(context, {}))();
    const plan = await planFor(session, await survey(session, context), 'apply', {});
    expect(plan.changes.map(({ model, action }) => [model, action])).toEqual([
      ['chat', 'keep'],
      ['embed', 'keep'],
    ]);
    expect(stage.running()).toEqual(before);
  });
});

/** Starts all of it anew, as whoever looks after it does. */
async function again(session: Session, context: Surroundings): Promise<void> {
  const seen = await survey(session, context);
  const plan = await planFor(session, seen, 'apply', { replace: ['chat'] });
  const lease = await acquireLease(session.stateDir, { command: 'test', waitMs: 0 });
  const how = { parallelism: 1, command: 'test', trigger: 'crash', left: [], emit: () => undefined } as const;
  await runPlan({ session, plan, drivers: seen.drivers, lease, ...how }, context).finally(() => lease.release());
}
