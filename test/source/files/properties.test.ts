import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { takesMinutes } from '../../guard/patience.ts';
import { newFolder, openStage, watched, type Stage } from './stage.ts';

takesMinutes();

const FILES = ['llmops.yaml', 'llmops.lock', 'chat/t.jinja'] as const;

const file = fc.constantFrom(...FILES);
const text = fc.constantFrom('', 'a', 'b', 'a longer text');
const act = fc.oneof(
  fc.record({ do: fc.constant('write' as const), file, text }),
  fc.record({ do: fc.constant('replace' as const), file, text }),
  fc.record({ do: fc.constantFrom('remove' as const, 'touch' as const, 'folder' as const), file }),
  fc.record({ do: fc.constant('pause' as const), ms: fc.constantFrom(0, 5, 60, 120) }),
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

async function perform(stage: Stage, step: Act): Promise<void> {
  if (step.do === 'pause') return pause(step.ms);
  const path = stage.path(step.file);
  if (step.do === 'touch') return existsSync(path) ? utimesSync(path, new Date(), new Date()) : undefined;
  if (step.do === 'replace') stage.write(`${step.file}.tmp`, step.text);
  // A folder can neither be written to nor be replaced by a file.
  if (step.do !== 'write' || (existsSync(path) && statSync(path).isDirectory())) rmSync(path, { recursive: true, force: true });
  if (step.do === 'write') stage.write(step.file, step.text);
  if (step.do === 'replace') renameSync(stage.path(`${step.file}.tmp`), path);
  if (step.do === 'folder') mkdirSync(path, { recursive: true });
}

/** What lies there, by another way than the source's. */
function lying(stage: Stage, name: string): string | null {
  const path = stage.path(name);
  if (!existsSync(path)) return null;
  return statSync(path).isDirectory() ? 'a folder' : `text ${readFileSync(path, 'utf8')}`;
}

const all = (stage: Stage): string => JSON.stringify(FILES.map((name) => lying(stage, name)));

it('Whatever happens to the files, the last state is found, and told if it is another', async () => {
  const dir = newFolder();
  const run = async (acts: readonly Act[], isPolling: boolean): Promise<void> => {
    const pace = { settleMs: 20, rehashMs: 100, usePolling: isPolling };
    const stage = openStage(pace, mkdtempSync(join(dir, 'run-')));
    for (const name of FILES) stage.write(name, 'a');
    stage.source.follow([stage.path('chat/t.jinja')]);
    await watched(stage);
    const before = all(stage);
    for (const step of acts) await perform(stage, step);
    if (all(stage) !== before) await stage.called();
    const [yaml, lock] = [lying(stage, 'llmops.yaml'), lying(stage, 'llmops.lock')];
    const found = await stage.look();
    if (!yaml?.startsWith('text ')) expect(found).toBe('no-stack-file');
    else if (lock === 'a folder') expect(found).toBe('lock-unreadable');
    else expect(found).toBe(`${yaml.slice(5)}${lock === null ? '' : `|${lock.slice(5)}`}`);
    await stage.close();
  };
  await fc.assert(fc.asyncProperty(fc.array(act, { maxLength: 10 }), fc.boolean(), run), { numRuns: 60 });
});
