import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Lease } from '../../src/domain/ledger.ts';
import { listGenerations, openState, readState, type State } from '../../src/state/index.ts';
import { memoryDisk, perform, type DiskWrite, type MemoryDisk } from '../world/memory-disk.ts';
import { header, step } from './headers.ts';

const DIR = '/state';
const leaseOf = (token: number): Lease => ({ token, verify: () => undefined, release: () => undefined });

/** One run of a model that is started, published and recorded; tells how far it came. */
async function run(state: State, token: number, model: string, reached: (mark: string) => void = () => undefined): Promise<void> {
  const ledger = await state.beginRun(leaseOf(token), header());
  const [start, publish, record] = [step(model, 'start'), step(model, 'publish'), step(model, 'record')];
  await ledger.begin(start);
  reached(`begun ${model}`);
  await ledger.end(start, 'done');
  reached(`ended ${model}`);
  await ledger.begin(publish);
  await ledger.publish(model, { instance: `${model}-1`, url: 'http://127.0.0.1:1' });
  reached(`published ${model}`);
  await ledger.end(publish, 'done');
  await ledger.begin(record);
  await ledger.record(model, { backend: 'local', specHash: '1', fields: {}, protect: false });
  reached(`recorded ${model}`);
  await ledger.end(record, 'done');
  await ledger.finish('succeeded', [], 1);
  reached(`finished ${model}`);
}

interface Recording {
  readonly writes: readonly DiskWrite[];
  /** What a caller had been told, by the number of writes that were through by then. */
  readonly marks: readonly { readonly after: number; readonly mark: string }[];
}

async function recorded(): Promise<Recording> {
  const disk = memoryDisk();
  const state = await openState(DIR, disk);
  const marks: { after: number; mark: string }[] = [];
  const reached = (mark: string) => void marks.push({ after: disk.writes.length, mark });
  await run(state, 1, 'chat', reached);
  await run(state, 2, 'embed', reached);
  return { writes: disk.writes, marks };
}

/** What may be on disk if the power goes after `count` writes: names that no sync of their folder followed may be lost, the write under way may be half there. */
function aftermaths(writes: readonly DiskWrite[], count: number): readonly Map<string, Uint8Array>[] {
  const durable = writes.slice(0, count);
  const kept = durable.filter((write, index) => {
    const named = nameChangedBy(write, durable.slice(0, index));
    return named === null || durable.slice(index).some((later) => later.op === 'sync-folder' && later.path === dirname(named));
  });
  const next = writes[count];
  const halves = next && (next.op === 'append' || next.op === 'write') ? torn(next) : [];
  return [durable, kept, ...halves.map((half) => [...durable, half])].map((list) => {
    const files = new Map<string, Uint8Array>();
    for (const write of list) perform(files, write);
    return files;
  });
}

/** The name that a write makes or removes; null if it only changes what is in a file. */
function nameChangedBy(write: DiskWrite, before: readonly DiskWrite[]): string | null {
  if (write.op === 'rename') return write.to;
  if (write.op === 'remove') return write.path;
  if (write.op !== 'append') return null;
  return before.some((earlier) => earlier.op === 'rename' && earlier.to === write.path) ? null : write.path;
}

function torn(write: Extract<DiskWrite, { bytes: Uint8Array }>): readonly DiskWrite[] {
  const half = write.bytes.subarray(0, write.bytes.length / 2);
  const zeros = Buffer.concat([half, Buffer.alloc(write.bytes.length - half.length)]);
  return [
    { ...write, bytes: half },
    { ...write, bytes: zeros },
    { ...write, bytes: write.bytes.subarray(0, write.bytes.length - 1) },
  ];
}

describe('when the power goes', () => {
  it('after any write, or in the middle of it, the state is readable and nothing that was told as done is lost', async () => {
    const { writes, marks } = await recorded();
    expect(writes.length).toBeGreaterThan(40);
    for (let count = 0; count <= writes.length; count += 1) {
      const told = marks.filter((entry) => entry.after <= count).map((entry) => entry.mark);
      for (const files of aftermaths(writes, count)) await expectKept(memoryDisk(files), told, count);
    }
  });

  it('after any write, the next run works and leaves a whole state', async () => {
    const { writes } = await recorded();
    for (let count = 0; count <= writes.length; count += 1) {
      for (const files of aftermaths(writes, count)) {
        const disk = memoryDisk(files);
        await run(await openState(DIR, disk), 3, 'next');
        const { inventory, problems } = await readState(DIR, disk);
        expect(problems).toEqual([]);
        expect(inventory.pending).toEqual([]);
        expect(inventory.models['next']?.generation).toBe(inventory.generation);
        expect((await listGenerations(DIR, disk)).every((generation) => generation.outcome !== null)).toBe(true);
        expect([...disk.files.keys()].filter((name) => name.endsWith('.tmp'))).toEqual([]);
      }
    }
  });
});

async function expectKept(disk: MemoryDisk, told: readonly string[], count: number): Promise<void> {
  const { inventory, problems } = await readState(DIR, disk);
  const where = `after ${count} writes`;
  expect(problems, where).toEqual([]);
  for (const model of ['chat', 'embed']) {
    if (told.includes(`published ${model}`)) expect(inventory.endpoints[model], where).toBeDefined();
    if (told.includes(`recorded ${model}`)) expect(inventory.models[model], where).toBeDefined();
    const begun = told.includes(`begun ${model}`) && !told.includes(`ended ${model}`);
    const pending = inventory.pending.some((one) => one.step === `${model}.start`);
    if (begun) expect(pending, where).toBe(true);
    if (told.includes(`ended ${model}`)) expect(pending, where).toBe(false);
  }
  const newest = told.includes('finished embed') ? 2 : told.includes('finished chat') ? 1 : null;
  if (newest !== null) expect(inventory.generation, where).toBeGreaterThanOrEqual(newest);
}
