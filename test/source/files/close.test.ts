import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openStage, watched } from './stage.ts';

const module = resolve(import.meta.dirname, '../../../src/source/files.ts');

/** What the kernel watches for this process; nothing, where it does not tell. */
function kernelWatches(): number {
  if (!existsSync('/proc/self/fdinfo')) return 0;
  const told = readdirSync('/proc/self/fdinfo').map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify wd:/gm)?.length ?? 0;
    } catch {
      return 0; // the one that listed the others
    }
  });
  return told.reduce((sum, each) => sum + each, 0);
}

/** The runner's timers and messages come and go. */
const resources = (): string[] => process.getActiveResourcesInfo().filter((name) => /FSEvent|StatWatcher/.test(name));

describe('A watching that is over', () => {
  it('holds nothing and calls nobody', async () => {
    const before = [kernelWatches(), resources()];
    const stage = await watched(openStage({ settleMs: 300 }));
    if (existsSync('/proc/self/fdinfo')) expect(kernelWatches()).toBeGreaterThan(Number(before[0]));
    stage.write('llmops.yaml', 'one');
    await stage.close();
    await stage.close();
    await vi.waitFor(() => expect([kernelWatches(), resources()]).toEqual(before), 20_000);
    expect(await stage.quiet()).toBe(0);
  });

  it('may end while it looks', async () => {
    const stage = await watched(openStage({ settleMs: 1 }));
    const writer = setInterval(() => stage.write('llmops.yaml', String(performance.now())), 5);
    await stage.called().finally(() => clearInterval(writer));
    await stage.close();
    expect(await stage.quiet()).toBe(0);
  });
});

describe('A process that watches', () => {
  const script = (usePolling: boolean, last: string): string => `
    const held = async () => {
      await new Promise(setImmediate); // what has just ended is told for one more turn
      return process.getActiveResourcesInfo().sort().join();
    };
    console.log('begins');
    const { openFileSource } = await import(${JSON.stringify(module)});
    const source = openFileSource({ file: process.argv[1], lockFile: process.argv[1] + '.lock', usePolling: ${usePolling} });
    const before = await held();
    await source.look(new AbortController().signal);
    const watching = await source.watch(() => console.log('called'));
    ${last}
    const after = await held();
    console.log(after === before ? 'holds nothing' : after);`;

  const cases: readonly (readonly [string, boolean, string])[] = [
    ['events', false, ''],
    ['polling', true, ''],
    ['events and a close', false, 'await watching.close();'],
  ];
  it.each(cases)('ends when it has nothing else to do: %s', (_, usePolling, last) => {
    const stage = openStage();
    stage.write('llmops.yaml', 'one');
    const args = ['--input-type=module', '-e', script(usePolling, last), join(stage.dir, 'llmops.yaml')];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 25_000 });
    expect({ stdout, stderr, status }).toEqual({ stdout: 'begins\nholds nothing\n', stderr: '', status: 0 });
  });
});
