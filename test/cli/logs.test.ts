import { appendFileSync, mkdirSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { safeLine } from '../../src/cli/log-line.ts';
import { newWorld, type World, type WorldOptions } from './context.ts';

const STACK =
  'version: 1\nname: desk\nbackends:\n  local: { type: embedded }\nmodels:\n  chat: { backend: local, source: "file:a.gguf" }\n  chat-large: { backend: local, source: "file:b.gguf" }\n';
const OLD = 'chat-00000000000a.log';
const NEW = 'chat-00000000000b.log';

/** A stack whose models have written these logs, each a second after the one before. */
function worldWithLogs(
  logs: Readonly<Record<string, string>>,
  options: WorldOptions = {},
): World & { readonly log: (name: string) => string } {
  const world = newWorld(options);
  writeFileSync(join(world.cwd, 'llmops.yaml'), STACK);
  const folder = join(world.stateDir('desk'), 'logs');
  mkdirSync(folder, { recursive: true });
  const log = (name: string): string => join(folder, name);
  for (const [index, [name, text]] of Object.entries(logs).entries()) {
    writeFileSync(log(name), text);
    utimesSync(log(name), 1_700_000_000 + index, 1_700_000_000 + index);
  }
  return { ...world, log };
}

const numbered = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join('');

describe('logs', () => {
  it('prints the last lines of the log that was written to last', async () => {
    const world = worldWithLogs({ [OLD]: 'old\n', [NEW]: numbered(300) });
    expect(await world.llmops('logs', '-n', '2', 'chat')).toBe(0);
    expect(world.stdout.text).toBe('line 299\nline 300\n');
  });

  it('prints the whole log if it is shorter, and an unfinished last line too', async () => {
    const world = worldWithLogs({ [NEW]: 'one\r\ntwo' });
    expect(await world.llmops('logs', 'chat')).toBe(0);
    expect(world.stdout.text).toBe('one\ntwo\n');
  });

  it('counts lines across the blocks that it reads, and leaves no character in halves', async () => {
    const line = `${'ü'.repeat(50_001)}\n`;
    const world = worldWithLogs({ [NEW]: line.repeat(5) });
    expect(await world.llmops('logs', '-n', '3', 'chat')).toBe(0);
    expect(world.stdout.text).toBe(line.repeat(3));
  });

  it("does not take another model's log for its own because the names begin alike", async () => {
    const world = worldWithLogs({ [OLD]: 'chat\n', 'chat-large-00000000000c.log': 'large\n' });
    expect(await world.llmops('logs', 'chat')).toBe(0);
    expect(world.stdout.text).toBe('chat\n');
  });

  it('asks "did you mean" for a name that is not known', async () => {
    const world = worldWithLogs({});
    expect(await world.llmops('logs', 'caht')).toBe(1);
    expect(world.stderr.text).toContain('Did you mean chat?');
  });

  it('says that a model was never started', async () => {
    const world = worldWithLogs({});
    expect(await world.llmops('logs', 'chat')).toBe(1);
    expect(world.stderr.text).toContain('chat has never been started');
    expect(world.stderr.text).toContain('llmops apply');
  });

  it('shows the log of a model that is no longer in the file', async () => {
    const world = worldWithLogs({ 'gone-00000000000a.log': 'still here\n' });
    expect(await world.llmops('logs', 'gone')).toBe(0);
    expect(world.stdout.text).toBe('still here\n');
  });

  it('with --state-dir needs no file', async () => {
    const world = worldWithLogs({ [NEW]: 'here\n' });
    rmSync(join(world.cwd, 'llmops.yaml'));
    expect(await world.llmops('logs', '--state-dir', world.stateDir('desk'), 'chat')).toBe(0);
    expect(world.stdout.text).toBe('here\n');
  });
});

describe('logs --follow', () => {
  it('goes on with what is added until Ctrl-C, then exits 0', async () => {
    const world = worldWithLogs({ [NEW]: 'first\n' });
    const done = world.llmops('logs', '-f', 'chat');
    await world.stdout.until('first\n');
    appendFileSync(world.log(NEW), 'sec');
    appendFileSync(world.log(NEW), 'ond\n');
    await world.stdout.until('second\n');
    world.interrupt();
    expect(await done).toBe(0);
    expect(world.stdout.text).toBe('first\nsecond\n');
  });

  it('reads on after the log was rotated away, without losing its last lines', async () => {
    const world = worldWithLogs({ [NEW]: 'first\n' });
    const done = world.llmops('logs', '-f', 'chat');
    await world.stdout.until('first\n');
    appendFileSync(world.log(NEW), 'last of the old\n');
    renameSync(world.log(NEW), `${world.log(NEW)}.1`);
    writeFileSync(world.log(NEW), 'first of the new\n');
    await world.stdout.until('first of the new\n');
    world.interrupt();
    await done;
    expect(world.stdout.text).toBe('first\nlast of the old\nfirst of the new\n');
  });

  it('reads a log anew that was emptied in place', async () => {
    const world = worldWithLogs({ [NEW]: 'a long first line\n' });
    const done = world.llmops('logs', '-f', 'chat');
    await world.stdout.until('first line\n');
    truncateSync(world.log(NEW), 0);
    appendFileSync(world.log(NEW), 'again\n');
    await world.stdout.until('again\n');
    world.interrupt();
    await done;
    expect(world.stdout.text).toBe('a long first line\nagain\n');
  });

  it('shows a new copy of the model from its beginning, and says whose lines they are', async () => {
    const world = worldWithLogs({ [OLD]: 'old copy\n' });
    const done = world.llmops('logs', '-f', 'chat');
    await world.stdout.until('old copy\n');
    writeFileSync(world.log(NEW), 'new copy\n');
    await world.stdout.until('new copy\n');
    world.interrupt();
    await done;
    expect(world.stderr.text).toContain('==> chat-00000000000b <==');
  });

  it('waits for a declared model that has not been started yet', async () => {
    const world = worldWithLogs({});
    const done = world.llmops('logs', '-f', 'chat');
    writeFileSync(world.log(NEW), 'at last\n');
    await world.stdout.until('at last\n');
    world.interrupt();
    expect(await done).toBe(0);
  });
});

describe('What an engine writes to its log', () => {
  const hostile = '\u001b]0;title\u0007\u001b[2J\u001b[31mred\u001b[0m\u001b[6n\u009b5n\u0008\u0000 end';

  it('cannot move the cursor, set the title or ask the terminal anything; colours stay', () => {
    expect(safeLine(hostile, true)).toBe('\u001b[31mred\u001b[0m end\u001b[0m');
  });

  it('has no colours where none are wanted', () => {
    expect(safeLine(hostile, false)).toBe('red end');
  });

  it('that overwrites itself shows as its last version', () => {
    expect(safeLine('loading 10 %\rloading 99 %', false)).toBe('loading 99 %');
  });

  it('is cleaned on a terminal and passed on byte for byte into a pipe', async () => {
    const screen = worldWithLogs({ [NEW]: `${hostile}\n` }, { tty: true });
    await screen.llmops('logs', 'chat');
    expect(screen.stdout.text).toBe('\u001b[31mred\u001b[0m end\u001b[0m\n');
    const pipe = worldWithLogs({ [NEW]: `${hostile}\n` });
    await pipe.llmops('logs', 'chat');
    expect(pipe.stdout.text).toBe(`${hostile}\n`);
  });
});

/** A generation in which the start of a copy came to this. */
function generation(world: World, number: number, steps: readonly (readonly [op: string, log: string, status: string])[], over = {}): void {
  const folder = join(world.stateDir('desk'), 'generations');
  mkdirSync(folder, { recursive: true });
  const told = steps.map(([op, log, status]) => ({
    step: `chat.${op}`,
    op,
    model: 'chat',
    instance: log.replace('.log', ''),
    status,
    ...over,
  }));
  writeFileSync(join(folder, `${String(number).padStart(6, '0')}.json`), JSON.stringify({ number, run: `r${number}`, steps: told }));
}

describe('logs --failed', () => {
  const failed = (world: World) =>
    generation(world, 1, [
      ['start', OLD, 'done'],
      ['probe', OLD, 'failed'],
    ]);

  it('prints what the copy said that failed last, also after another one was put back', async () => {
    const world = worldWithLogs({ [OLD]: 'I cannot.\n', [NEW]: 'all is well\n' });
    failed(world);
    generation(world, 2, [['start', NEW, 'done']]);
    expect(await world.llmops('logs', '--failed', 'chat')).toBe(0);
    expect(world.stdout.text).toBe('I cannot.\n');
  });

  it('says that there is none, and what else there is', async () => {
    const world = worldWithLogs({ [NEW]: 'all is well\n' });
    expect(await world.llmops('logs', '--failed', 'chat')).toBe(1);
    expect(world.stderr.text).toMatch(/No start of chat has failed[\s\S]*llmops logs chat/);
  });

  it('does not take the log of a later start for that of the failed one', async () => {
    const world = worldWithLogs({ [OLD]: 'all is well now\n' });
    failed(world);
    generation(world, 2, [
      ['start', OLD, 'done'],
      ['probe', OLD, 'done'],
    ]);
    expect(await world.llmops('logs', '--failed', 'chat')).toBe(1);
    expect(world.stderr.text).toContain('was started again since');
  });

  it('is found beside that of a later start, as the last one that was written to when the start failed', async () => {
    const ended = { startedAt: new Date(1_700_000_001_000).toISOString(), ms: 500 };
    const logs = {
      [`${OLD}.3`]: 'long ago\n',
      [`${OLD}.2`]: 'I cannot.\n',
      _: '',
      __: '',
      [`${OLD}.1`]: 'nor I\n',
      [OLD]: 'all is well now\n',
    };
    const world = worldWithLogs(logs);
    generation(world, 1, [['start', OLD, 'failed']], ended);
    for (const number of [2, 3]) generation(world, number, [['start', OLD, 'done']]);
    expect(await world.llmops('logs', '--failed', 'chat')).toBe(0);
    expect(world.stdout.text).toBe('I cannot.\n');
  });

  it('is pointed to by plain logs, where another copy is shown', async () => {
    const world = worldWithLogs({ [OLD]: 'I cannot.\n', [NEW]: 'all is well\n' });
    const failures = { chat: { specHash: '00000000000a', generation: 1 } };
    const inventory = { formatVersion: '1.0', generation: 1, appliedAt: null, backends: [], models: {}, failures };
    writeFileSync(join(world.stateDir('desk'), 'inventory.json'), JSON.stringify(inventory));
    expect(await world.llmops('logs', 'chat')).toBe(0);
    expect([world.stdout.text, world.stderr.text]).toEqual([
      'all is well\n',
      expect.stringContaining('llmops logs --failed chat') as string,
    ]);
  });
});
