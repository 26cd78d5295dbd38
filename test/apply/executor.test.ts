import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { Step } from '../../src/domain/plan.ts';
import { ProblemError } from '../../src/domain/problem.ts';
import { play, statuses, step, type Act } from './scripted.ts';

const fails: Act = () => Promise.reject(new ProblemError({ code: 'engine-refused', summary: 'It would not.' }));

/** An act that is under way until the test lets it go. */
function gate(): { readonly act: Act; readonly begun: Promise<void>; open(): void } {
  const begun = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const act: Act = async () => {
    begun.resolve();
    await opened.promise;
  };
  return { act, begun: begun.promise, open: opened.resolve };
}

describe('the order of steps', () => {
  it('is that of the plan, where several could begin', async () => {
    const steps = [step('c.start'), step('a.start'), step('b.start', ['a.start'])];
    const { events } = await play(steps, { options: { parallelism: 1 } });
    expect(events.flatMap((event) => (event.type === 'step.started' ? [event.step] : []))).toEqual(['c.start', 'a.start', 'b.start']);
  });

  it('is refused before anything is done, if a step waits for one that does not stand before it', async () => {
    await expect(play([step('a.start', ['b.start']), step('b.start')])).rejects.toMatchObject({ problem: { code: 'plan-broken' } });
    await expect(play([step('a.start'), step('a.start')])).rejects.toMatchObject({ problem: { code: 'plan-broken' } });
  });

  it('holds in any graph: nothing begins before what it waits for has ended, and never more at once than allowed', async () => {
    const graph = fc.array(fc.tuple(fc.boolean(), fc.array(fc.nat(30), { maxLength: 3 }), fc.boolean()), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(graph, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }), async (nodes, parallelism, perBackend) => {
        const steps = nodes.map(([far, after], at) =>
          step(
            `m${at}.start`,
            after.filter((other) => other < at).map((other) => `m${other}.start`),
            { backend: far ? 'far' : 'local' },
          ),
        );
        const busy = { local: 0, far: 0, most: 0, mostOnOne: 0 };
        const act =
          (failing: boolean): Act =>
          async (told) => {
            const backend = told.backend as 'local' | 'far';
            busy[backend] += 1;
            busy.most = Math.max(busy.most, busy.local + busy.far);
            busy.mostOnOne = Math.max(busy.mostOnOne, busy[backend]);
            await new Promise(setImmediate);
            busy[backend] -= 1;
            if (failing) throw new ProblemError({ code: 'engine-refused', summary: 'It would not.' });
          };
        const acts = Object.fromEntries(nodes.map(([, , failing], at) => [`m${at}.start`, act(failing)]));
        const { result, log } = await play(steps, { acts, options: { parallelism, perBackend } });
        expect(busy.most).toBeLessThanOrEqual(parallelism);
        expect(busy.mostOnOne).toBeLessThanOrEqual(perBackend);
        expectOrdered(
          steps,
          log,
          statuses(result),
          nodes.map(([, , failing]) => failing),
        );
      }),
      { numRuns: 60 },
    );
  });
});

/** Every step ended as it must, and after all that it waits for. */
function expectOrdered(
  steps: readonly Step[],
  log: readonly string[],
  ended: Readonly<Record<string, string>>,
  failing: readonly boolean[],
): void {
  for (const [at, { id, after }] of steps.entries()) {
    const ready = after.every((other) => ended[other] === 'done');
    expect(ended[id]).toBe(ready ? (failing[at] ? 'failed' : 'done') : 'skipped');
    if (!ready) expect(log).not.toContain(`act ${id}`);
    for (const other of ready ? after : []) expect(log.indexOf(`end ${other} done`)).toBeLessThan(log.indexOf(`begin ${id}`));
  }
}

describe('a step', () => {
  it('is begun in the journal before it acts, and ended after', async () => {
    const { log } = await play([step('chat.start'), step('chat.probe', ['chat.start']), step('chat.record', ['chat.probe'])]);
    expect(log).toEqual([
      'begin chat.start',
      'act chat.start',
      'end chat.start done',
      'begin chat.probe',
      'act chat.probe',
      'end chat.probe done',
      'begin chat.record',
      'record chat 1',
      'end chat.record done',
      'finish succeeded',
    ]);
  });

  it('that fails takes its dependents with it, and no others', async () => {
    const steps = [
      step('a.start'),
      step('a.probe', ['a.start']),
      step('a.record', ['a.probe']),
      step('b.start'),
      step('b.record', ['b.start']),
    ];
    const { result, events } = await play(steps, { acts: { 'a.start': fails } });
    expect(statuses(result)).toEqual({
      'a.start': 'failed',
      'a.probe': 'skipped',
      'a.record': 'skipped',
      'b.start': 'done',
      'b.record': 'done',
    });
    expect(result.outcome).toBe('partly');
    expect(result.steps[2]?.because).toBe('a.probe was not begun');
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', done: 2, failed: 1, skipped: 2 });
  });

  it('does not act if the lease was lost since it began', async () => {
    const { result, log } = await play([step('a.start')], {
      options: {
        lease: {
          token: 1,
          release: () => undefined,
          verify: () => {
            throw new ProblemError({ code: 'lease-lost', summary: 'Gone.' });
          },
        },
      },
    });
    expect(log).not.toContain('act a.start');
    expect(result.steps[0]?.problem?.code).toBe('lease-lost');
    expect(result.outcome).toBe('failed');
  });

  it('on a backend without a connection fails alone', async () => {
    const { result } = await play([step('a.start', [], { backend: 'nowhere' }), step('b.start')]);
    expect(statuses(result)).toEqual({ 'a.start': 'failed', 'b.start': 'done' });
    expect(result.steps[0]?.problem?.code).toBe('no-driver');
  });

  it('of a kind that has no act fails, and does not pass for done', async () => {
    const { result } = await play([{ ...step('chat.start'), op: 'quantize' } as unknown as Step]);
    expect(result.steps[0]).toMatchObject({ status: 'failed', problem: { code: 'internal' } });
    expect(result.steps[0]?.problem?.summary).toContain('chat.start is of kind quantize');
  });

  it('may wait at the end of a chain thousands of steps long', async () => {
    const steps = Array.from({ length: 5000 }, (_, at) => step(`m${at}.withdraw`, at === 0 ? [] : [`m${at - 1}.withdraw`]));
    const first = step('x.start');
    const chain = [first, ...steps.map((one, at) => (at === 0 ? { ...one, after: ['x.start'] } : one))];
    const { result } = await play(chain, { acts: { 'x.start': fails } });
    expect(result.steps.filter((one) => one.status === 'skipped')).toHaveLength(5000);
  });
});

describe('a run that is told to stop', () => {
  it('finishes a start, begins nothing more, and says so', async () => {
    const stop = new AbortController();
    const door = gate();
    const playing = play([step('a.start'), step('a.probe', ['a.start']), step('b.start', ['a.start'])], {
      acts: { 'a.start': door.act },
      options: { signal: stop.signal },
    });
    await door.begun;
    stop.abort();
    door.open();
    const { result, log } = await playing;
    expect(statuses(result)).toEqual({ 'a.start': 'done', 'a.probe': 'cancelled', 'b.start': 'cancelled' });
    expect(result.outcome).toBe('cancelled');
    expect(log).toContain('end a.start done');
  });

  it.each(['probe', 'drain'])('abandons a %s, and leaves its copy running', async (op) => {
    const stop = new AbortController();
    const waits: Act = (_step, io) => {
      stop.abort();
      return op === 'drain' ? Promise.resolve() : Promise.reject(io.signal.reason);
    };
    const { result, log } = await play([step(`a.${op}`), step('a.stop', [`a.${op}`])], {
      acts: { [`a.${op}`]: waits },
      options: { signal: stop.signal },
    });
    expect(statuses(result)).toEqual({ [`a.${op}`]: 'cancelled', 'a.stop': 'cancelled' });
    expect(log.filter((line) => line.startsWith('act'))).toEqual([`act a.${op}`]);
    expect(result.steps[0]?.because).toContain('a-1 was left running');
  });

  it('does not even begin if it was told before', async () => {
    const { result, log } = await play([step('a.start')], { options: { signal: AbortSignal.abort() } });
    expect(result.outcome).toBe('cancelled');
    expect(log).toEqual(['finish cancelled']);
  });
});

describe('a deadline', () => {
  const waitsForAbort: Act = (_step, io) => {
    io.progress('loading weights', 1, 2);
    return new Promise((_, reject) => io.signal.addEventListener('abort', () => reject(io.signal.reason)));
  };

  it('ends a step that waits, and the problem says what it waited for', async () => {
    const { result } = await play([step('a.start', [], { deadlineMs: 1 })], { acts: { 'a.start': waitsForAbort } });
    expect(result.steps[0]?.problem).toMatchObject({
      code: 'deadline-passed',
      summary: expect.stringContaining('waiting for: loading weights') as string,
    });
  });

  it('of a drain is the end of politeness, not a failure', async () => {
    const { result } = await play([step('a.drain', [], { deadlineMs: 1 }), step('a.stop', ['a.drain'])], {
      acts: { 'a.drain': waitsForAbort },
      options: { graceMs: 1 },
    });
    expect(statuses(result)).toEqual({ 'a.drain': 'done', 'a.stop': 'done' });
  });

  it('of a drain is kept by its driver, which tells what is cut; that stands in the result and in the event', async () => {
    const end = { cut: 2, note: 'deadline passed, 2 requests are cut' };
    const { result, events } = await play([step('a.drain', [], { deadlineMs: 1 })], { drained: async () => end });
    expect(result.steps[0]).toMatchObject({ status: 'done', ...end });
    expect(events.find(({ type }) => type === 'step.done')).toMatchObject({ note: end.note });
  });

  it('ends the run even if the driver does not listen', async () => {
    const { result } = await play([step('a.start', [], { deadlineMs: 1 })], {
      acts: { 'a.start': () => new Promise(() => undefined) },
      options: { graceMs: 1 },
    });
    expect(result.steps[0]?.problem?.code).toBe('deadline-passed');
  });
});
