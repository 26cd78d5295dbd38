import { expect, test } from 'vitest';
import { FAILED, generation, result } from '../../test/render/worlds.ts';
import type { ModelState, Status } from '../domain/status.ts';
import { withInert, withLastFailures } from './told.ts';

function status(name: string, state: ModelState, why: string | null = null): Status {
  return { models: [{ name, state, why, fix: null }], summary: { declared: 1, ready: 0, serving: 0 } } as unknown as Status;
}

test('a model that is declared and not acted on counts as declared, and is not ready', () => {
  const told = withInert(status('chat', 'ready'), ['big', 'chat']);
  expect(told.summary).toEqual({ declared: 3, ready: 0, serving: 0 });
  expect(told.models.map(({ name, state }) => [name, state])).toEqual([
    ['big', 'blocked'],
    ['chat', 'ready'],
  ]);
});

test('the cause of the last failure is told, with its generation and what to do', () => {
  const told = withLastFailures(status('draft', 'absent', 'no instance of it runs'), [
    generation(14, { steps: [result('chat.start')] }),
    generation(13, { steps: [FAILED] }),
  ]);
  expect(told.models[0]).toMatchObject({
    why: 'no instance of it runs; generation 13: probe-failed: draft answered no token within 60 s',
    fix: 'read logs/draft-0123456789ab.log',
  });
});

test('a failure that a later run made good is forgotten, and so is one of a model that is ready', () => {
  const mended = [generation(14, { steps: [result('draft.start')] }), generation(13, { steps: [FAILED] })];
  expect(withLastFailures(status('draft', 'absent'), mended).models[0]?.why).toBeNull();
  expect(withLastFailures(status('draft', 'ready'), mended.slice(1)).models[0]?.why).toBeNull();
});
