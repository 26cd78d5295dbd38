import { expect, it } from 'vitest';
import type { Driver, Wanted } from '../../src/domain/backend.ts';
import type { ObservedBackend } from '../../src/domain/observed.ts';
import { withUnpullable } from '../../src/stack/unpullable.ts';
import { NOTHING } from '../plan/stack.ts';

const remote = {
  origin: { kind: 'ollama', host: 'h', name: 'n/m', tag: 't' },
  manifest: 'm1',
  files: [],
  missing: [],
  ready: false,
  partialBytes: 0,
};
const artifacts = { chat: { source: 's', path: '', bytes: 1, sha256: 'w1', gguf: null, remote } };
const models = [{ name: 'chat', backend: 'box' }];
const copy = { id: 'chat-1', owner: 'ours', model: 'chat', phase: 'serving', configured: { digest: 'w1' } };

/** What was asked of the driver, and what it made of the backend. */
async function look(over: object, find: () => Promise<unknown> = async () => [{ key: 'm1', why: 'tag-moved', hasFiles: false }]) {
  const asked: string[] = [];
  const unpullable = (wanted: readonly Wanted[]) => (asked.push(...wanted.map(({ model }) => model.name)), find());
  const seen = [{ status: 'reachable', name: 'box', instances: [], held: [], ...over }] as unknown as readonly ObservedBackend[];
  const found = { artifacts, inventory: NOTHING, drivers: { box: { unpullable } as unknown as Driver } };
  const [backend] = await withUnpullable(models as never, seen, found as never, AbortSignal.timeout(1000));
  return { asked, unpullable: (backend as { unpullable?: unknown }).unpullable };
}

it('The engine is asked about weights that it is to fetch, and about no others: where all is as declared, nobody is asked', async () => {
  expect(await look({})).toEqual({ asked: ['chat'], unpullable: [{ key: 'm1', why: 'tag-moved', hasFiles: false }] });
  expect((await look({ held: ['m1'] })).asked).toEqual([]);
  expect((await look({ instances: [copy] })).asked).toEqual([]);
  expect((await look({ instances: [{ ...copy, phase: 'failed' }] })).asked).toEqual(['chat']);
  expect((await look({ instances: [{ ...copy, configured: { digest: 'w0' } }] })).asked).toEqual(['chat']);
  expect((await look({ status: 'unreachable' })).asked).toEqual([]);
});

it('An engine that cannot tell adds nothing', async () => {
  expect((await look({}, () => Promise.reject(new Error('no')))).unpullable).toBeUndefined();
});
