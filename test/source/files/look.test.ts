import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, rmSync, utimesSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { readStack } from '../../../src/stack/read-stack.ts';
import { newFolder, openStage, type Stage } from './stage.ts';

async function idOf(stage: Stage): Promise<string> {
  const look = await stage.whole();
  return look.kind === 'found' ? look.revision.id : look.kind;
}

describe('A look at files', () => {
  it('finds both texts, and no commit', async () => {
    const stage = openStage();
    stage.write('llmops.yaml', 'a');
    stage.write('llmops.lock', 'b');
    expect(await stage.whole()).toMatchObject({
      kind: 'found',
      revision: { text: Buffer.from('a'), lock: Buffer.from('b'), commit: null, about: null },
    });
  });

  it('names a state by its bytes alone', async () => {
    const [one, other] = [openStage(), openStage()];
    for (const stage of [one, other]) stage.write('llmops.yaml', 'a');
    utimesSync(one.path('llmops.yaml'), 1, 1);
    expect(await idOf(one)).toBe(await idOf(other));
    other.write('llmops.lock', '');
    const withLock = await idOf(other);
    expect(withLock).not.toBe(await idOf(one));
    other.write('llmops.lock', 'b');
    expect(await idOf(other)).not.toBe(withLock);
  });

  it('counts the files that it follows, and hands out the bytes that it counted', async () => {
    const stage = openStage();
    stage.write('llmops.yaml', 'a');
    stage.write('chat/t.jinja', 'one');
    const alone = await idOf(stage);
    expect(stage.source.follow([stage.path('chat/t.jinja')])).toBe(true);
    expect(stage.source.follow([stage.path('chat/t.jinja')])).toBe(false);
    const look = await stage.whole();
    if (look.kind !== 'found') throw new Error(look.kind);
    expect(look.revision.id).not.toBe(alone);
    stage.write('chat/t.jinja', 'two');
    expect(await look.revision.read('chat/t.jinja')).toEqual(Buffer.from('one'));
    expect(await look.revision.read('chat/other.jinja')).toBeNull();
    expect(await idOf(stage)).not.toBe(look.revision.id);
  });

  it('finds a state where a file that it follows is not there, is a folder, or has no end', async () => {
    const stage = openStage();
    stage.write('llmops.yaml', 'a');
    stage.source.follow([stage.path('gone'), stage.dir, '/dev/zero']);
    const look = await stage.whole();
    expect(look.kind === 'found' && (await look.revision.read('gone'))).toBeNull();
    const before = await idOf(stage);
    stage.write('gone', 'is here');
    expect(await idOf(stage)).not.toBe(before);
  });

  it('waits while somebody writes', async () => {
    const stage = openStage();
    // Again, since on a busy machine the look may come too late to catch the writer.
    await vi.waitFor(async () => {
      stage.write('llmops.yaml', 'a');
      const look = stage.look();
      setTimeout(() => appendFileSync(stage.path('llmops.yaml'), 'b'), 10);
      expect(await look).toBe('ab');
    }, 20_000);
  });

  it('finds what is there even if somebody never stops', async () => {
    const stage = openStage();
    stage.write('llmops.yaml', 'a');
    const writer = setInterval(() => appendFileSync(stage.path('llmops.yaml'), 'a'), 20);
    expect(await stage.look()).toMatch(/^a+$/);
    clearInterval(writer);
  });

  it('is given up with its signal', async () => {
    const stage = openStage();
    stage.write('llmops.yaml', 'a');
    await expect(stage.source.look(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

describe('Files that cannot be had', () => {
  const cases: readonly (readonly [string, string, (stage: Stage) => void])[] = [
    ['is not there', 'no-stack-file', () => undefined],
    ['is a folder', 'no-stack-file', (stage) => mkdirSync(stage.path('llmops.yaml'))],
    ['is a named pipe', 'unreadable-stack-file', (stage) => execFileSync('mkfifo', [stage.path('llmops.yaml')])],
    ['lies in no folder', 'no-folder', (stage) => rmSync(stage.dir, { recursive: true })],
  ];
  it.each(cases)('are told as every command tells it: it %s', async (_, code, arrange) => {
    const stage = openStage({ shown: 'llmops.yaml' });
    arrange(stage);
    const look = await stage.whole();
    const surroundings = { cwd: stage.dir, env: {}, backends: () => Promise.resolve({}), signal: AbortSignal.timeout(9999), now: () => '' };
    const command: unknown = await readStack(surroundings, {}).catch((error: unknown) => error);
    expect(look).toMatchObject({ kind: 'unavailable', problem: { code } });
    expect(command).toMatchObject({ problem: look.kind === 'unavailable' ? look.problem : {} });
  });

  it.skipIf(process.getuid?.() === 0)('are told where nobody may read them', async () => {
    const stage = openStage();
    stage.write('llmops.yaml', 'a');
    chmodSync(stage.path('llmops.yaml'), 0);
    expect(await stage.look()).toBe('unreadable-stack-file');
  });

  it('are told where the lock is a folder, by the name that people know', async () => {
    const stage = openStage({ shown: 'models/llmops.yaml' }, newFolder());
    stage.write('llmops.yaml', 'a');
    mkdirSync(stage.path('llmops.lock'));
    expect(await stage.whole()).toMatchObject({
      problem: { code: 'lock-unreadable', summary: 'models/llmops.lock cannot be read: it is a folder.' },
    });
  });
});
