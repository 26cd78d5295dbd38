import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ModelSpec } from '../../src/domain/desired.ts';
import { ProblemError } from '../../src/domain/problem.ts';
import type { Lock, LockedModel } from '../../src/domain/weights.ts';
import { compareLock, lockModels, parseLock, writeLock } from '../../src/lock/index.ts';
import { declared, withEnvironment } from './declared.ts';
import { hash, locked } from './sample.ts';

const NONE: Lock = { models: {}, engines: { local: 'llama-server 0.7.0' } };
const MODELS = 'version: 1\nbackends:\n  local: { type: llama.cpp }\nmodels:\n';
const model = (name: string, source: string, more = ''): string => `  ${name}:\n    backend: local\n    source: ${source}\n${more}`;

/** What an honest resolver finds: an entry that says what it was asked. */
function found({ source, quantizations }: ModelSpec, over: Partial<LockedModel> = {}): LockedModel {
  const revision = source.kind === 'hf' ? source.revision : null;
  return locked({ source: source.written, revision, quantization: quantizations[0] ?? 'Q4_K_M', ...over });
}

const failing = new ProblemError({ code: 'scripted', summary: 'It is not there.', fix: 'Look.' });

describe('Locking models', () => {
  it('looks up the chosen ones and leaves every other entry as it is', async () => {
    const { base } = declared(MODELS + model('a', 'hf:o/a') + model('b', 'hf:o/b') + model('c', 'hf:o/c'));
    const before: Lock = { ...NONE, models: { c: locked({ source: 'hf:o/c', revision: null, license: 'kept' }), gone: locked() } };
    const asked: string[] = [];
    const { lock, problems } = await lockModels(base, before, async (one) => (asked.push(one.name), found(one)), ['a', 'b']);
    expect(problems).toEqual([]);
    expect(asked.sort()).toEqual(['a', 'b']);
    expect(Object.keys(lock.models).sort()).toEqual(['a', 'b', 'c', 'gone']);
    expect(lock.models['c']).toBe(before.models['c']);
    expect(lock.engines).toBe(before.engines);
    expect(compareLock(base, lock).models.map(({ status }) => status)).toEqual(['locked', 'locked', 'locked']);
  });

  it('a model that fails keeps its entry, stops no other, and is told with its place', async () => {
    const { base } = declared(MODELS + model('a', 'hf:o/a') + model('b', 'hf:o/b'));
    const before: Lock = { ...NONE, models: { a: locked({ source: 'hf:o/old' }) } };
    const resolve = async (one: ModelSpec): Promise<LockedModel> => (one.name === 'a' ? Promise.reject(failing) : found(one));
    const { lock, problems } = await lockModels(base, before, resolve, ['a', 'b']);
    expect(lock.models['a']).toBe(before.models['a']);
    expect(lock.models['b']).toBeDefined();
    expect(problems).toMatchObject([{ code: 'scripted', severity: 'error', place: { file: 'llmops.yaml', line: 7, column: 13 } }]);
  });

  it('never works on more than four at once, and on four where there are enough', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `m${index}`);
    const { base } = declared(MODELS + names.map((name) => model(name, `hf:o/${name}`)).join(''));
    let [now, most] = [0, 0];
    const resolve = async (one: ModelSpec): Promise<LockedModel> => {
      most = Math.max(most, (now += 1));
      await tick();
      now -= 1;
      return found(one);
    };
    const { lock } = await lockModels(base, NONE, resolve, names);
    expect(most).toBe(4);
    expect(Object.keys(lock.models)).toHaveLength(12);
  });

  it('looks models that ask for the same up once, so that they get the same', async () => {
    const { base } = declared(MODELS + model('a', 'hf:o/a') + model('b', 'hf:o/a') + model('c', 'hf:o/a', '    quantization: Q8_0\n'));
    let asked = 0;
    const { lock } = await lockModels(base, NONE, async (one) => found(one, { license: `answer ${(asked += 1)}` }), ['a', 'b', 'c']);
    expect(asked).toBe(2);
    expect(lock.models['a']).toEqual(lock.models['b']);
  });

  it('tells each of two models that ask for the same of its own failure', async () => {
    const { base } = declared(MODELS + model('a', 'hf:o/a') + model('b', 'hf:o/a'));
    const { problems } = await lockModels(base, NONE, () => Promise.reject(failing), ['a', 'b']);
    expect(problems.map((one) => [one.model, one.place?.line])).toEqual([
      ['a', 7],
      ['b', 10],
    ]);
  });

  it.each([
    ['another digest', `    sha256: ${hash('declared')}\n`, {}, 'digest-mismatch', 8],
    ['another quantization', '    quantization: Q8_0\n', { quantization: 'Q2_K' }, 'quantization-mismatch', 8],
    ['a quantization that is not told', '    quantization: Q8_0\n', { quantization: null }, 'quantization-mismatch', 8],
    ['a commit that is none', '', { origin: { kind: 'hf' as const, repo: 'o/a', commit: 'main' } }, 'lock-unwritable', 7],
    ['a file that would leave its folder', '', { files: [{ path: '../x', bytes: 1, sha256: hash('x') }] }, 'invalid-path', 7],
  ])('does not pin %s than is declared', async (_, more, over, code, line) => {
    const { base } = declared(MODELS + model('a', 'hf:o/a', more));
    const { lock, problems } = await lockModels(base, NONE, async (one) => found(one, over), ['a']);
    expect(lock.models).toEqual({});
    expect(problems).toMatchObject([{ code, place: { line } }]);
  });

  it('pins what others made up, however strange, and can read it again', async () => {
    const { base } = declared(MODELS + model('a', 'hf:o/a'));
    const strange = { license: 'a\nb\u001b[31m\ud800', facts: { ...locked().facts!, name: '\u0000\u2028"' } };
    const { lock, problems } = await lockModels(base, NONE, async (one) => found(one, strange), ['a']);
    expect(problems).toEqual([]);
    expect(parseLock(writeLock(null, lock), 'llmops.lock', hash).lock).toEqual(lock);
  });

  it('takes an answer to another question for the bug that it is', async () => {
    const { base } = declared(MODELS + model('a', 'hf:o/a'));
    await expect(lockModels(base, NONE, async () => locked(), ['a'])).rejects.toThrow('asked for source hf:o/a');
  });

  it('a cancelled run throws when nothing goes on in the background any more', async () => {
    const { base } = declared(MODELS + model('a', 'hf:o/a') + model('b', 'hf:o/b'));
    let done = false;
    const resolve = async (one: ModelSpec): Promise<LockedModel> => {
      if (one.name === 'a') throw new ProblemError({ code: 'cancelled', summary: 'Stopped.' });
      for (let n = 0; n < 5; n += 1) await tick();
      done = true;
      return found(one);
    };
    await expect(lockModels(base, NONE, resolve, ['a', 'b'])).rejects.toMatchObject({ problem: { code: 'cancelled' } });
    expect(done).toBe(true);
  });
});

describe('Entries of environments', () => {
  const overlay = (more: string): string => `environments:\n  prod:\n    models:\n      chat:\n        ${more}\n`;
  const lockOf = async (text: string, environment: string | null, before: Lock = NONE): Promise<Lock> => {
    const stack = declared(text);
    const desired = withEnvironment(stack, environment);
    const { lock, problems } = await lockModels(desired, before, async (one) => found(one), ['chat'], stack.base);
    expect(problems).toEqual([]);
    expect(compareLock(desired, lock, stack)).toMatchObject({ models: [{ status: 'locked' }], unused: [] });
    return lock;
  };

  it('are shared where the environment asks for the same weights', async () => {
    expect(Object.keys((await lockOf(MODELS + model('chat', 'hf:o/a') + overlay('context: 2048'), 'prod')).models)).toEqual(['chat']);
  });

  it.each(['source: hf:o/b', 'revision: v2', 'quantization: Q8_0', `sha256: ${locked().sha256}`])('are their own with %s', async (more) => {
    const text = MODELS + model('chat', 'hf:o/a') + overlay(more);
    const both = await lockOf(text, null, await lockOf(text, 'prod'));
    expect(Object.keys(both.models).sort()).toEqual(['chat', 'chat@prod']);
  });
});
