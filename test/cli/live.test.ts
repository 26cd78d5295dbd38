import { truncateSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { liveEvents } from '../../src/cli/live.ts';
import type { Event } from '../../src/domain/event.ts';
import { newStage } from './stage.ts';
import { newWorld } from './context.ts';
import { Terminal } from './terminal.ts';

const AT = { at: '2026-05-04T10:00:00.000Z', run: 'run-1' };
const STEP = { op: 'start', backend: 'one', cause: 'it is declared', deadlineMs: 30_000 } as const;
const started = (model: string): Event => ({ ...AT, ...STEP, type: 'step.started', step: `${model}.start`, model, instance: `${model}-1` });
const waiting = (model: string, message: string): Event => ({
  ...AT,
  type: 'step.waiting',
  step: `${model}.start`,
  model,
  message,
  done: null,
  total: null,
});
const done = (model: string): Event => ({ ...AT, type: 'step.done', step: `${model}.start`, op: 'start', model, ms: 1800 });
const begun: Event = { ...AT, type: 'run.started', stack: 'desk', steps: 3, revision: 'abcdef0123', mode: 'apply', who: 'me' };
const finished: Event = { ...AT, type: 'run.finished', outcome: 'succeeded', done: 3, failed: 0, skipped: 0, generation: 1, ms: 3000 };

/** A live picture on a terminal of this width, with a clock that the test moves. */
function onTerminal(columns: number, env: Readonly<Record<string, string>> = {}, tty = true) {
  vi.useFakeTimers({ now: Date.parse(AT.at) });
  const world = newWorld({ tty, env });
  const stderr = Object.assign(world.stderr, { columns, rows: 24 });
  const context = { env: world.env, stderr, now: () => new Date().toISOString() } as unknown as Parameters<typeof liveEvents>[0];
  const live = liveEvents(context, { color: false });
  const terminal = new Terminal(columns);
  let shown = 0;
  const screen = (): readonly string[] => {
    terminal.write(stderr.text.slice(shown));
    shown = stderr.text.length;
    return terminal.rows;
  };
  const resize = (to: number): void => {
    screen();
    terminal.resize(to);
    stderr.columns = to;
  };
  return { live, stderr, screen, resize };
}

afterEach(() => void vi.useRealTimers());

describe('The live picture of an apply', () => {
  it('shows what is in flight below what has happened, and leaves nothing of it when it ends', () => {
    const { live, screen } = onTerminal(80);
    for (const event of [begun, started('chat'), started('embed'), waiting('chat', 'loading weights')]) live.event(event);
    vi.advanceTimersByTime(250);
    expect(screen().join('\n')).toMatch(
      /▶ apply of desk begins[\s\S]*0 of 3 steps done[\s\S]*start chat[\s\S]*loading weights[\s\S]*start embed/,
    );
    live.event(done('chat'));
    vi.advanceTimersByTime(250);
    expect(screen().join('\n')).toMatch(/✓ start chat[\s\S]*1 of 3 steps done[\s\S]*start embed/);
    live.note('Stopping: soon.');
    live.event(done('embed'));
    live.event(finished);
    live.end();
    expect(screen().map((row) => row.replace(/^\d\d:\d\d:\d\d /, '').slice(0, 14))).toEqual([
      '▶ apply of des',
      '✓ start chat, ',
      'Stopping: soon',
      '✓ start embed,',
    ]);
  });

  it('changes with one write each time, and not while nothing changes', () => {
    const { live, stderr } = onTerminal(80);
    for (const event of [begun, started('chat')]) live.event(event);
    vi.advanceTimersByTime(100);
    const write = vi.spyOn(stderr, 'write');
    vi.advanceTimersByTime(500);
    expect(write).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(write).toHaveBeenCalledTimes(1);
    expect(stderr.text).toContain('1 s');
    live.end();
  });

  it('survives a window that is made narrower or wider', () => {
    const { live, screen, resize } = onTerminal(120);
    for (const event of [begun, started('chat'), waiting('chat', 'loading weights '.repeat(10))]) live.event(event);
    vi.advanceTimersByTime(1100);
    for (const columns of [120, 45, 200, 60, 41]) {
      resize(columns);
      vi.advanceTimersByTime(1100);
      expect(screen().filter((row) => row.includes('steps done'))).toHaveLength(1);
      expect(screen().filter((row) => row.includes('start chat'))).toHaveLength(1);
      expect(screen().join('')).toContain('apply of desk begins');
    }
    live.event(done('chat'));
    live.end();
    expect(screen().filter((row) => row.includes('steps done'))).toEqual([]);
    expect(screen().at(-1)).toContain('✓ start chat');
  });

  it('shows files on a terminal that says it has no rows', () => {
    const { live, screen, stderr } = onTerminal(80);
    stderr.rows = 0;
    for (const event of [begun, started('chat')]) live.event(event);
    for (const file of ['a-00001-of-00002.gguf', 'a-00002-of-00002.gguf'])
      live.event({ ...AT, type: 'step.transfer', step: 'chat.start', model: 'chat', file, done: 0, total: 100, bytesPerSecond: null });
    vi.advanceTimersByTime(100);
    expect(screen().join('\n')).toContain('a-00002-of-00002.gguf');
    live.end();
  });

  it('fits a window with few rows', () => {
    const { live, screen } = onTerminal(80);
    live.event(begun);
    for (let index = 0; index < 100; index += 1) live.event(started(`m${index}`));
    vi.advanceTimersByTime(100);
    expect(screen().length).toBeLessThan(24);
    expect(screen().at(-1)).toContain('more in flight');
    live.end();
  });
});

describe('A step that is skipped', () => {
  it.each([true, false])('is told if it had begun; the others stand in the result (terminal: %s)', (tty) => {
    const { live, stderr } = onTerminal(80, {}, tty);
    const skipped = (model: string): Event => ({
      ...AT,
      type: 'step.skipped',
      step: `${model}.start`,
      op: 'start',
      model,
      because: 'stopped',
    });
    for (const event of [begun, started('chat'), skipped('chat'), skipped('embed')]) live.event(event);
    live.end();
    expect(stderr.text).toContain('- start chat skipped: stopped');
    expect(stderr.text).not.toContain('embed');
  });
});

describe('Where nobody watches', () => {
  it.each([
    ['in a pipe', {}, false],
    ['on a dumb terminal', { TERM: 'dumb' }, true],
    ['in automation', { LLMOPS_IN_AUTOMATION: '1' }, true],
  ] as const)('%s, an apply is lines, with a heartbeat in ten seconds of silence', (_, env, tty) => {
    const { live, stderr } = onTerminal(80, env, tty);
    for (const event of [begun, started('chat'), waiting('chat', 'loading weights')]) live.event(event);
    vi.advanceTimersByTime(9_000);
    expect(stderr.text.trimEnd().split('\n')).toHaveLength(2);
    vi.advanceTimersByTime(21_500);
    const beats = stderr.text.split('\n').filter((line) => line.includes('loading weights'));
    expect(beats).toHaveLength(3);
    expect(beats[0]).toContain('0 of 3 steps done; start chat');
    expect(stderr.text).not.toContain('\u001b');
    live.end();
    vi.advanceTimersByTime(60_000);
    expect(stderr.text.split('\n').filter((line) => line.includes('loading weights'))).toHaveLength(3);
  });
});

describe('Ctrl-C before anything was changed', () => {
  it('while an engine does not answer: what is waited for is named, and it ends at once', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    stage.engines.fault({ kind: 'hang', path: /^\/one/ });
    const world = stage.command({ tty: true });
    const ended = world.llmops('apply', '-y', '--observe-timeout', '1h');
    await world.stderr.until('for an answer of one, two');
    world.interrupt();
    expect(await ended).toBe(130);
    expect(world.stderr.text).toContain('Stopped. Nothing was changed.');
    stage.engines.clearFaults();
    expect((await stage.run('apply', '-y')).code).toBe(0);
  });

  it.each(['plan', 'apply'])('while %s hashes weights for the first time', async (verb) => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    truncateSync(`${stage.dir}/w.gguf`, 200 * 1024 ** 3); // sparse: it takes no room on the disk
    const world = stage.command({ tty: true, stdinTty: true });
    const ended = world.llmops(verb);
    await world.stderr.until('hashing the weights of chat');
    world.interrupt();
    expect(await ended).toBe(130);
    expect(stage.running()).toEqual([]);
  });
});
