import { EventEmitter } from 'node:events';
import { expect, it, vi } from 'vitest';
import { openStage, watched } from './stage.ts';

const library = vi.hoisted(() => ({ watch: (): unknown => undefined, closed: 0 }));
vi.mock('chokidar', () => ({ watch: () => library.watch() }));

/** A watcher that says this, and when. */
function failing(when: 'at once' | 'later', code: string): () => unknown {
  return () => {
    const watcher = Object.assign(new EventEmitter(), {
      close: () => {
        library.closed += 1;
        return Promise.resolve();
      },
    });
    const error = Object.assign(new Error(`${code}: watch`), { code });
    if (when === 'later') setTimeout(() => watcher.emit('ready'), 1);
    setTimeout(() => watcher.emit('error', error) && watcher.emit('error', error), when === 'later' ? 30 : 1);
    return watcher;
  };
}

it.each([
  ['at once', 'ENOSPC'],
  ['later', 'EMFILE'],
] as const)('Without events the files are asked for: no watches, %s (%s)', async (when, code) => {
  library.closed = 0;
  library.watch = failing(when, code);
  const stage = openStage({ settleMs: 20 });
  stage.write('llmops.yaml', 'one');
  await watched(stage);
  await vi.waitFor(() => expect(library.closed).toBe(1), 20_000);
  stage.write('llmops.yaml', 'two');
  await stage.sees('two');
});

it('Without the library, too', async () => {
  library.watch = () => {
    throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  };
  const stage = openStage({ settleMs: 20 });
  stage.write('llmops.yaml', 'one');
  await watched(stage);
  stage.write('llmops.yaml', 'two');
  await stage.sees('two');
});
