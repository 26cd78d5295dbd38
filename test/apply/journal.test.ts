import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { compacted, journalLine, openJournal, parseJournal, pendingSteps, type JournalRecord } from '../../src/state/journal.ts';
import { memoryDisk } from '../world/memory-disk.ts';

const PATH = '/state/journal.ndjson';
const lease = (token: number) => ({ token, verify: () => undefined, release: () => undefined });

function record(seq: number, kind: JournalRecord['kind'], run: string, more: Partial<JournalRecord> = {}): JournalRecord {
  const step = kind === 'begin' || kind === 'end' ? 'chat.start' : '';
  return {
    seq,
    run,
    token: 1,
    kind,
    step,
    op: 'start',
    model: 'chat',
    instance: 'chat-1',
    outcome: null,
    at: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}

const bytesOf = (records: readonly JournalRecord[]) => Buffer.from(records.map(journalLine).join(''));

describe('a journal', () => {
  const whole = [
    record(1, 'run-begin', 'a'),
    record(2, 'begin', 'a'),
    record(3, 'end', 'a', { outcome: 'done' }),
    record(4, 'run-end', 'a', { outcome: 'succeeded' }),
  ];

  it('cut at any byte gives the records before the cut, and is no damaged file', () => {
    const bytes = bytesOf(whole);
    for (let length = 0; length <= bytes.length; length += 1) {
      const { records, validBytes, damaged } = parseJournal(bytes.subarray(0, length));
      expect(records).toEqual(whole.slice(0, records.length));
      expect(bytesOf(records)).toHaveLength(validBytes);
      expect(damaged).toBe(false);
    }
  });

  it('with any byte changed gives no record that was not written', () => {
    const bytes = bytesOf(whole);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(bytes);
        changed[at] = ((changed[at] ?? 0) + by) % 256;
        const { records } = parseJournal(changed);
        expect(records).toEqual(whole.slice(0, records.length));
      }),
    );
  });

  it('rejects what a holder wrote after it had lost its lease', () => {
    const late = record(5, 'end', 'a', { token: 1, outcome: 'done' });
    const { records } = parseJournal(bytesOf([record(1, 'begin', 'a'), record(4, 'run-begin', 'b', { token: 2 }), late]));
    expect(records.map((one) => one.seq)).toEqual([1, 4]);
    expect(pendingSteps(records)).toHaveLength(1);
  });

  it('asks for the lease before every write', async () => {
    const gone = { ...lease(1), verify: () => expect.unreachable('asked') };
    const journal = openJournal(memoryDisk(), PATH, parseJournal(new Uint8Array()), 0, gone);
    await expect(journal.append(record(1, 'begin', 'a'))).rejects.toThrow('asked');
  });

  it('joins records that come while one is being written, and keeps their order', async () => {
    const disk = memoryDisk();
    const journal = openJournal(disk, PATH, parseJournal(new Uint8Array()), 0, lease(1));
    await Promise.all(Array.from({ length: 50 }, (_, index) => journal.append(record(0, 'begin', 'a', { step: `m${index}` }))));
    expect(disk.writes.length).toBeLessThan(5);
    const { records } = parseJournal(disk.files.get(PATH) ?? new Uint8Array());
    expect(records.map((one) => [one.seq, one.step])).toEqual(Array.from({ length: 50 }, (_, index) => [index + 1, `m${index}`]));
  });

  it('goes on after a torn write, its own or one before', async () => {
    const disk = memoryDisk(new Map([[PATH, Buffer.concat([bytesOf(whole), Buffer.from('{"seq":5,"ru')])]]));
    const bytes = disk.files.get(PATH) ?? new Uint8Array();
    const journal = openJournal(disk, PATH, parseJournal(bytes), bytes.length, lease(2));
    disk.tornBytes = 20;
    disk.onWrite = (write) => {
      if (write.op === 'append') throw new Error('full');
    };
    await expect(journal.append(record(0, 'run-begin', 'b'))).rejects.toThrow('full');
    disk.onWrite = null;
    await journal.append(record(0, 'run-begin', 'c'));
    const { records, damaged } = parseJournal(disk.files.get(PATH) ?? new Uint8Array());
    expect(records.map((one) => [one.seq, one.run])).toEqual([
      [1, 'a'],
      [2, 'a'],
      [3, 'a'],
      [4, 'a'],
      [5, 'c'],
    ]);
    expect(damaged).toBe(false);
  });

  it('when compacted, keeps the runs and what none of them settled', () => {
    const cut = [...whole, record(5, 'run-begin', 'b'), record(6, 'begin', 'b', { step: 'chat.stop' })];
    const kept = compacted(cut, 20);
    expect(kept.map((one) => [one.run, one.kind])).toEqual([
      ['a', 'run-begin'],
      ['a', 'run-end'],
      ['b', 'run-begin'],
      ['b', 'begin'],
    ]);
    expect(pendingSteps(kept)).toEqual(pendingSteps(cut));
    expect(compacted(cut, 1).map((one) => one.run)).toEqual(['b', 'b']);
  });
});
