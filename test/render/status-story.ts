import type { Status } from '../../src/domain/status.ts';
import { makeStatus } from '../../src/status/index.ts';
import { blocked, create, keep, plan, remove, update, wished } from './plans.ts';
import { desired, instance, inventory, model, NOW, reachable, unreachable } from './worlds.ts';

/** A stack in which nearly every state occurs. */
export function mixedStatus(): Status {
  const names = ['chat', 'code', 'crashed', 'embed', 'gone', 'vision'];
  const models = names
    .filter((name) => name !== 'gone')
    .map((name) => model(name, name === 'vision' ? { backend: 'spare' } : name === 'code' ? { context: 16384 } : {}));
  const failed = {
    severity: 'error' as const,
    code: 'out-of-memory',
    summary: 'It ended with exit code 137: out of memory',
    fix: 'ask for less context',
  };
  const drift = {
    model: 'embed',
    backend: 'local',
    instance: 'embed-0123456789ab',
    field: 'context',
    from: 8192,
    to: 2048,
    reason: 'runtime-reset',
    policy: 'correct',
    detail: 'The engine was told 8192 and runs with 2048.',
  } as const;
  const ports = { chat: 41234, code: 41235, crashed: 41234, embed: 41236, gone: 41237, vision: 41234 };
  const published = Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [name, { instance: `${name}-0123456789ab`, url: `http://127.0.0.1:${port}` }]),
  );
  return makeStatus({
    desired: desired([...models, model('fresh')]),
    plan: plan({
      drift: [drift],
      changes: [
        keep({ model: 'chat' }),
        update({
          model: 'code',
          wish: wished('code', { context: 16384 }),
          fields: [{ field: 'context', from: 8192, to: 16384, price: 'restart', place: null }],
        }),
        create({ model: 'crashed' }),
        update({ model: 'embed', correctsDrift: true }),
        create({ model: 'fresh', cause: 'no instance of it runs' }),
        remove({ model: 'gone', cause: 'it is not declared any more' }),
        blocked({ model: 'vision' }),
      ],
      foreign: [{ backend: 'local', id: 'llama3', model: 'llama3', endpoint: 'http://127.0.0.1:41234' }],
      summary: { create: 1, update: 1, replace: 0, delete: 1, keep: 1, blocked: 1, correctsDrift: 1 },
    }),
    observed: [
      reachable([
        instance('chat'),
        instance('code', { endpoint: 'http://127.0.0.1:41235' }),
        instance('crashed', { phase: 'failed', problem: failed, endpoint: null, loaded: null }),
        instance('embed', { loaded: { context: 2048, parallel: 4 }, endpoint: 'http://127.0.0.1:41236' }),
        instance('embed', { id: 'embed-ba9876543210', phase: 'starting' }),
        instance('gone', { endpoint: 'http://127.0.0.1:41237' }),
        instance('llama3', { owner: 'foreign' }),
      ]),
      unreachable('spare'),
    ],
    inventory: inventory(names, { endpoints: published }),
    now: NOW,
    holder: 'alice@lab, apply, pid 4711, since 11:59:58',
  });
}
