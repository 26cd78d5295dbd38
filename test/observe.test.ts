import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Driver } from '../src/domain/backend.ts';
import type { BackendSpec } from '../src/domain/desired.ts';
import type { ObservedBackend } from '../src/domain/observed.ts';
import { ProblemError } from '../src/domain/problem.ts';
import { observeAll } from '../src/observe/index.ts';

const DEADLINE_MS = 10_000;

type Observe = Driver['observe'];

const specOf = (name: string): BackendSpec => ({ name, type: 'stand-in', options: {}, reserve: null }) as unknown as BackendSpec;
const empty = (name: string): ObservedBackend =>
  ({ status: 'reachable', name, type: 'stand-in', instances: [] }) as unknown as ObservedBackend;
const answers =
  (name: string): Observe =>
  async () =>
    empty(name);
/** Never answers, and does not listen to its signal either. */
const hangs: Observe = () => new Promise(() => undefined);

/** Observes backends that do this, in this order. */
function look(backends: Readonly<Record<string, Observe>>, signal = new AbortController().signal) {
  const drivers = Object.fromEntries(Object.entries(backends).map(([name, observe]) => [name, { observe } as Driver]));
  return observeAll(drivers, Object.keys(backends).map(specOf), { signal, deadlineMs: DEADLINE_MS });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('Observing backends', () => {
  it('makes one that hangs unreachable at its deadline, and not before', async () => {
    let seen: readonly ObservedBackend[] | null = null;
    const done = look({ dead: hangs }).then((result) => (seen = result));
    await vi.advanceTimersByTimeAsync(DEADLINE_MS - 1);
    expect(seen).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(await done).toMatchObject([{ status: 'unreachable', name: 'dead', type: 'stand-in', problem: { code: 'backend-timeout' } }]);
  });

  it('says which one did not answer, after how long, and that nothing was changed', async () => {
    const done = look({ dead: hangs });
    await vi.advanceTimersByTimeAsync(DEADLINE_MS);
    const [dead] = await done;
    const problem = dead?.status === 'unreachable' ? dead.problem : null;
    expect(`${problem?.summary} ${problem?.fix}`).toMatch(/dead .*within 10 s.*Nothing was changed/);
  });

  it('asks all side by side: one that hangs holds up no other, neither does the first in line', async () => {
    const asked: string[] = [];
    const noting =
      (name: string): Observe =>
      (signal) => {
        asked.push(name);
        return (name === 'last' ? answers(name) : hangs)(signal);
      };
    const done = look({ first: noting('first'), second: noting('second'), last: noting('last') });
    expect(asked).toEqual(['first', 'second', 'last']);
    await vi.advanceTimersByTimeAsync(DEADLINE_MS); // one deadline for all of them, not one after the other
    expect((await done).map(({ name, status }) => [name, status])).toEqual([
      ['first', 'unreachable'],
      ['second', 'unreachable'],
      ['last', 'reachable'],
    ]);
  });

  it('tells a driver that its time is over, so that it stops asking', async () => {
    let told = false;
    const done = look({
      dead: (signal) => {
        signal.addEventListener('abort', () => (told = true));
        return hangs(signal);
      },
    });
    await vi.advanceTimersByTimeAsync(DEADLINE_MS);
    await done;
    expect(told).toBe(true);
  });

  it.each<[string, Observe, string]>([
    ['throws', () => Promise.reject(new Error('socket closed')), 'internal'],
    [
      'throws before it waits for anything',
      () => {
        throw new Error('socket closed');
      },
      'internal',
    ],
    ['fails with a problem', () => Promise.reject(new ProblemError({ code: 'engine-lost', summary: 'It left.' })), 'engine-lost'],
  ])('makes one that %s unreachable with the reason, never empty, and goes on with the others', async (_, observe, code) => {
    const seen = await look({ bad: observe, good: answers('good') });
    expect(seen.map(({ status }) => status)).toEqual(['unreachable', 'reachable']);
    expect(seen[0]).toMatchObject({ name: 'bad', type: 'stand-in', problem: { code } });
    expect(seen[0]).not.toHaveProperty('instances');
  });

  it('ends with an error when the command is told to stop, instead of calling everything unreachable', async () => {
    const stop = new AbortController();
    const done = look({ good: answers('good'), dead: hangs }, stop.signal);
    const failed = expect(done).rejects.toThrow('something newer'); // and not: it did not answer in time
    stop.abort(new Error('something newer'));
    await failed;
  });

  it('waits for nothing if the command was told to stop before', async () => {
    const reason = new Error('something newer');
    await expect(look({ dead: hangs }, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('answers in the order of the specs, whoever was first', async () => {
    const late: Observe = async () => {
      await new Promise((resolve) => setTimeout(resolve, DEADLINE_MS / 2));
      return empty('slow');
    };
    const done = look({ slow: late, quick: answers('quick') });
    await vi.advanceTimersByTimeAsync(DEADLINE_MS / 2);
    expect((await done).map(({ name }) => name)).toEqual(['slow', 'quick']);
  });

  it('leaves out what no driver is connected for: that is neither reachable nor empty', async () => {
    const drivers = { known: { observe: answers('known') } as Driver };
    const options = { signal: new AbortController().signal, deadlineMs: DEADLINE_MS };
    expect((await observeAll(drivers, [specOf('later'), specOf('known')], options)).map(({ name }) => name)).toEqual(['known']);
  });

  it('leaves no timer behind', async () => {
    await look({ good: answers('good'), bad: () => Promise.reject(new Error('no')) });
    expect(vi.getTimerCount()).toBe(0);
  });
});
