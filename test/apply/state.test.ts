import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Lease } from '../../src/domain/ledger.ts';
import type { StepResult } from '../../src/domain/generation.ts';
import {
  acquireLease,
  claimStack,
  currentSupervisor,
  listGenerations,
  noteSupervisor,
  openState,
  readGeneration,
  readState,
  type State,
} from '../../src/state/index.ts';
import { bench, folder } from './helpers.ts';
import { header, step } from './headers.ts';
import { step as planned } from './scripted.ts';

const lease = (token: number): Lease => ({ token, verify: () => undefined, release: () => undefined });
const applied = { backend: 'local', specHash: '1', fields: {}, protect: false };

/** A run with one step that is carried through. */
async function run(state: State, token: number, steps: readonly StepResult[] = []): Promise<number | null> {
  const ledger = await state.beginRun(lease(token), header());
  await ledger.begin(step('chat', 'record'));
  await ledger.record('chat', applied);
  await ledger.end(step('chat', 'record'), 'done');
  return ledger.finish('succeeded', steps, 1);
}

describe('reading the state', () => {
  it('creates nothing, so that looking leaves no trace', async () => {
    const dir = join(await folder(), 'never');
    const { inventory, lastBackends, problems } = await readState(dir);
    expect({ inventory, lastBackends, problems }).toEqual({
      inventory: { generation: null, appliedAt: null, models: {}, endpoints: {}, pending: [] },
      lastBackends: [],
      problems: [],
    });
    expect(await listGenerations(dir)).toEqual([]);
    expect(existsSync(dir)).toBe(false);
  });

  it('tells the backends that are still in use, also when they are no longer declared', async () => {
    const { state, converge } = await bench();
    const both = { local: { realm: 'local' }, far: { realm: 'far' } };
    await converge({ models: { chat: {}, embed: { backend: 'far' } }, backends: both });
    expect((await state.read()).lastBackends.map((spec) => spec.name)).toEqual(['local', 'far']);
    await converge({ models: { chat: {} }, backends: both });
    expect((await state.read()).lastBackends.map((spec) => spec.name)).toEqual(['local']);
  });

  it.each(['inventory.json', 'endpoints.json'])('a damaged %s is a warning, and the next run sets it aside', async (name) => {
    const dir = await folder();
    const state = await openState(dir);
    await run(state, 1);
    for (const text of ['{"torn', '[]', '{"formatVersion":"1.0","models":{"chat":7}}', '\uFFFF']) {
      await writeFile(join(dir, name), text);
      expect((await readState(dir)).problems).toMatchObject([{ severity: 'warning', code: 'state-damaged' }]);
      expect(await readFile(join(dir, name), 'utf8')).toBe(text);
      await run(state, 2);
    }
    expect((await readState(dir)).problems).toEqual([]);
    expect((await readdir(dir)).filter((file) => file.startsWith(`${name}.corrupt-`))).toEqual(
      [1, 2, 3, 4].map((n) => `${name}.corrupt-${n}`),
    );
  });

  it('a journal that is damaged in the middle is a warning, and what stands before that place is used', async () => {
    const dir = await folder();
    const state = await openState(dir);
    await run(state, 1);
    const journal = join(dir, 'journal.ndjson');
    const lines = (await readFile(journal, 'utf8')).split('\n');
    await writeFile(journal, [lines[0], lines[1], lines[2]?.replace('chat', 'chap'), lines[3], ''].join('\n'));
    const { inventory, problems } = await readState(dir);
    expect(problems).toMatchObject([{ code: 'state-damaged' }]);
    expect(inventory.pending.map((one) => one.step)).toEqual(['chat.record']);
    await run(state, 2);
    expect((await readState(dir)).problems).toEqual([]);
    expect(existsSync(`${journal}.corrupt-1`)).toBe(true);
  });

  it('a state of a newer llmops is refused, by the reader and by the writer, and left as it is', async () => {
    const dir = await folder();
    const state = await openState(dir);
    const newer = '{"formatVersion":"2.0","models":{}}';
    await writeFile(join(dir, 'inventory.json'), newer);
    await expect(readState(dir)).rejects.toMatchObject({ problem: { code: 'state-too-new' } });
    await expect(run(state, 1)).rejects.toMatchObject({ problem: { code: 'state-too-new' } });
    expect(await readFile(join(dir, 'inventory.json'), 'utf8')).toBe(newer);
  });
});

describe('how long a model took to answer', () => {
  const at = (ms: number) => new Date(ms).toISOString();

  it('is remembered from its start to the end of its probe, for as long as that copy is on record', async () => {
    const dir = await folder();
    const state = await openState(dir);
    let now = 0;
    const timed = await state.beginRun(lease(1), { ...header(), now: () => at((now += 1000)) });
    for (const op of ['start', 'probe'] as const) {
      await timed.begin(step('chat', op));
      await timed.end(step('chat', op), 'done');
    }
    await timed.record('chat', applied);
    await timed.finish('succeeded', [], 1);
    const { startMs } = (await readState(dir)).inventory.models['chat'] ?? {};
    expect(startMs).toBeGreaterThanOrEqual(3000);
    await run(state, 2);
    expect((await readState(dir)).inventory.models['chat']?.startMs).toBe(startMs);
    const other = await state.beginRun(lease(3), header());
    await other.record('chat', { ...applied, specHash: '2' });
    await other.finish('succeeded', [], 1);
    expect((await readState(dir)).inventory.models['chat']?.startMs).toBeUndefined();
  });
});

describe('the files of a state', () => {
  it('are nobody else’s to read', async () => {
    const dir = join(await folder(), 'state');
    await run(await openState(dir), 1);
    const files = (await readdir(dir, { recursive: true })).map((name) => join(dir, name));
    for (const file of [dir, ...files]) {
      const found = await stat(file);
      expect(found.mode & 0o777, file).toBe(found.isDirectory() ? 0o700 : 0o600);
    }
  });

  it('tell scripts where clients are sent', async () => {
    const { dir, world, converge } = await bench();
    await converge({ models: { chat: {} } });
    const [instance] = [...world.realm('local').instances.values()];
    expect(JSON.parse(await readFile(join(dir, 'endpoints.json'), 'utf8'))).toEqual({
      formatVersion: '1.0',
      models: { chat: { url: instance?.endpoint, instance: instance?.id } },
    });
  });

  it('may all be lost: the next plan is the same as if nothing had been', async () => {
    const { dir, plan, converge } = await bench();
    const told = { models: { chat: {}, embed: {} } };
    await converge(told);
    await rm(dir, { recursive: true });
    await mkdir(dir);
    const again = await plan(told);
    expect(again.steps.map((one) => one.op).filter((op) => op === 'start' || op === 'stop')).toEqual([]);
    expect((await converge(told)).outcome).toBe('succeeded');
    expect((await plan(told)).steps).toEqual([]);
  });
});

describe('the history', () => {
  it('has no entry for a run in which no step began', async () => {
    const dir = await folder();
    const state = await openState(dir);
    const ledger = await state.beginRun(lease(1), header());
    expect(await ledger.finish('stale', [], 1)).toBeNull();
    expect(await listGenerations(dir)).toEqual([]);
  });

  it('has an entry for a run that was cut off, closed by the next run with what the journal knows', async () => {
    const dir = await folder();
    const state = await openState(dir);
    const steps = ['start', 'probe', 'publish'].map((op) => planned(`chat.${op}`));
    const cut = await state.beginRun(lease(1), header({ steps }));
    await cut.begin(step('chat', 'start'));
    await cut.end(step('chat', 'start'), 'done');
    await cut.begin(step('chat', 'probe'));
    expect(await readGeneration(dir, 1)).toMatchObject({ outcome: null, who: 'tester@here' });
    expect((await readState(dir)).inventory.pending.map((one) => one.step)).toEqual(['chat.probe']);
    await run(state, 2);
    const closed = await readGeneration(dir, 1);
    expect(closed?.outcome).toBe('interrupted');
    expect(closed?.steps.map((one) => [one.step, one.status, one.because])).toEqual([
      ['chat.start', 'done', null],
      ['chat.probe', 'interrupted', 'the run was cut off during this step'],
      ['chat.publish', 'skipped', 'the run was cut off before it began'],
    ]);
    expect((await listGenerations(dir)).map((one) => one.number)).toEqual([2, 1]);
  });

  it('keeps the last 100 entries, and goes on counting', async () => {
    const dir = await folder();
    await mkdir(join(dir, 'generations'), { recursive: true });
    const state = await openState(dir);
    await run(state, 1);
    const first = await readFile(join(dir, 'generations', '000001.json'), 'utf8');
    const write = (number: number) =>
      writeFile(join(dir, 'generations', `${String(number).padStart(6, '0')}.json`), first.replace('"number": 1', `"number": ${number}`));
    await Promise.all(Array.from({ length: 100 }, (_, index) => write(index + 2)));
    expect(await run(state, 2)).toBe(102);
    const numbers = (await listGenerations(dir)).map((one) => one.number);
    expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([100, 102, 3]);
  });

  it('answers null for an entry that is not there, and says so of one that is damaged', async () => {
    const dir = await folder();
    await run(await openState(dir), 1);
    expect(await readGeneration(dir, 7)).toBeNull();
    await writeFile(join(dir, 'generations', '000001.json'), '{');
    await expect(readGeneration(dir, 1)).rejects.toMatchObject({ problem: { code: 'state-damaged' } });
    expect(await listGenerations(dir)).toEqual([]);
  });
});

describe('a state belongs to one llmops.yaml', () => {
  it('another file with the same stack name is refused, and told both ways out', async () => {
    const [dir, one, two] = [await folder(), join(await folder(), 'llmops.yaml'), join(await folder(), 'llmops.yaml')];
    await Promise.all([writeFile(one, ''), writeFile(two, '')]);
    expect(await claimStack(dir, one)).toBeNull();
    expect(await claimStack(dir, one)).toBeNull();
    await mkdir(join(dir, 'instances'), { recursive: true });
    await writeFile(join(dir, 'instances', 'chat-1.json'), '{}');
    await expect(claimStack(dir, two)).rejects.toMatchObject({
      problem: { code: 'stack-name-taken', fix: expect.stringContaining('--state-dir') as string },
    });
  });

  it('a file that was moved takes its state with it, with a note', async () => {
    const [dir, one, two] = [await folder(), join(await folder(), 'llmops.yaml'), join(await folder(), 'llmops.yaml')];
    await Promise.all([writeFile(one, ''), writeFile(two, '')]);
    await claimStack(dir, one);
    await rm(one);
    expect(await claimStack(dir, two)).toMatchObject({ severity: 'info', code: 'stack-moved' });
    expect(await claimStack(dir, two)).toBeNull();
  });
});

describe('an interrupted run', () => {
  it('is settled by the next apply, also when that has nothing to do', async () => {
    const { dir, state, converge, plan, apply } = await bench();
    const told = { models: { chat: {} } };
    await converge(told);
    const held = await acquireLease(dir, { command: 'cut', waitMs: 0 });
    const cut = await state.beginRun(held, header());
    await cut.begin(step('chat', 'record'));
    held.release();
    const next = await plan(told);
    expect([next.steps, next.interrupted.map((one) => one.step)]).toEqual([[], ['chat.record']]);
    expect(await apply(next, told)).toMatchObject({ outcome: 'succeeded', generation: null });
    expect((await state.read()).inventory.pending).toEqual([]);
  });
});

describe('who supervises', () => {
  it('is told for as long as it does, with what it is about to start', async () => {
    const dir = await folder();
    expect(currentSupervisor(dir)).toBeNull();
    const note = noteSupervisor(dir, 'llmops apply --supervise');
    const retries = [{ model: 'chat', times: 2, nextAt: '2026-01-01T00:00:09Z', why: 'It ended.' }];
    note.say(retries);
    expect(currentSupervisor(dir)).toMatchObject({ pid: process.pid, retries });
    note.end();
    expect(currentSupervisor(dir)).toBeNull();
    expect(await readdir(dir)).toEqual([]);
  });

  it('is nobody once its process is gone, whatever it left', async () => {
    const dir = await folder();
    noteSupervisor(dir, 'llmops apply --supervise').say([]);
    const file = join(dir, 'supervisor.json');
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace(/"started":"\d+"/, '"started":"1"').replace(/"pid":\d+/, '"pid":2147483646'),
    );
    expect(currentSupervisor(dir)).toBeNull();
    await writeFile(file, 'torn');
    expect(currentSupervisor(dir)).toBeNull();
  });
});
