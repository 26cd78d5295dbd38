import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical.ts';
import { isFull } from '../domain/disk-problem.ts';
import type { Lease } from '../domain/ledger.ts';
import type { PendingStep } from '../domain/observed.ts';
import { batched } from './batch.ts';
import type { Disk } from './disk.ts';

/** One line of the journal. A step's `begin` is durable before its act, its `end` after; a run's begin and end enclose them. */
export interface JournalRecord {
  /** Grows by one. */
  readonly seq: number;
  readonly run: string;
  /** Fencing token of the writer's lease. */
  readonly token: number;
  readonly kind: 'run-begin' | 'begin' | 'end' | 'run-end';
  /** Empty for records about the run. */
  readonly step: string;
  readonly op: string;
  readonly model: string;
  readonly instance: string;
  /** Of an `end` or `run-end`; null otherwise. */
  readonly outcome: string | null;
  /** ISO 8601. */
  readonly at: string;
}

/** What could be read of a journal. */
export interface JournalTail {
  readonly records: readonly JournalRecord[];
  /** Length of the part that is whole; what comes after it is a torn write. */
  readonly validBytes: number;
  /** True if more than one line is lost: no torn write, a damaged file. */
  readonly damaged: boolean;
}

/** First 12 hex digits of SHA-256 over the record: enough to tell a torn or flipped line, and not meant against an attacker. */
function checksum(record: JournalRecord): string {
  return createHash('sha256').update(canonicalJson(record)).digest('hex').slice(0, 12);
}

/** One line, newline included. */
export function journalLine(record: JournalRecord): string {
  return `${JSON.stringify({ ...record, sum: checksum(record) })}\n`;
}

/**
 * Reads up to the first line that is not whole. A record with an older token than one before it was written by a holder
 * that had lost its lease: it is dropped.
 */
export function parseJournal(bytes: Uint8Array): JournalTail {
  const records: JournalRecord[] = [];
  let token = 0;
  let start = 0;
  for (let end = bytes.indexOf(10, start); end !== -1; end = bytes.indexOf(10, start)) {
    const record = parseLine(bytes.subarray(start, end));
    if (!record) break;
    if (record.token >= token) records.push(record);
    token = Math.max(token, record.token);
    start = end + 1;
  }
  const nextLine = bytes.indexOf(10, start);
  return { records, validBytes: start, damaged: nextLine !== -1 && nextLine + 1 < bytes.length };
}

function parseLine(bytes: Uint8Array): JournalRecord | null {
  try {
    const { sum, ...record } = JSON.parse(Buffer.from(bytes).toString('utf8')) as JournalRecord & { readonly sum: string };
    return sum === checksum(record) ? record : null;
  } catch {
    return null;
  }
}

/**
 * Steps that were begun and not ended. A step is settled by its end, and by the end of a later run: that one looked at the
 * world before it planned, so whatever the cut-off step had done was seen.
 */
export function pendingSteps(records: readonly JournalRecord[]): readonly PendingStep[] {
  const open = new Map<string, PendingStep>();
  for (const { kind, run, step, op, model, at } of records) {
    if (kind === 'begin') open.set(`${run} ${step}`, { run, step, op, model, at });
    if (kind === 'end') open.delete(`${run} ${step}`);
    if (kind === 'run-end') open.clear();
  }
  return [...open.values()];
}

/** The records that are still worth keeping once runs are over: which runs there were, and what none of them settled. */
export function compacted(records: readonly JournalRecord[], keepRuns: number): readonly JournalRecord[] {
  const pending = new Set(pendingSteps(records).map(({ run, step }) => `${run} ${step}`));
  const runs = new Set([...new Set(records.map((record) => record.run))].slice(-keepRuns));
  return records.filter(({ kind, run, step }) =>
    kind === 'run-begin' || kind === 'run-end' ? runs.has(run) : kind === 'begin' && pending.has(`${run} ${step}`),
  );
}

export interface Journal {
  append(record: Omit<JournalRecord, 'seq' | 'token'>): Promise<void>;
  records(): readonly JournalRecord[];
  bytes(): number;
}

/** Goes on after `tail`. A torn tail is cut off before the first write, and so is what a failed write of ours left. */
export function openJournal(disk: Disk, path: string, tail: JournalTail, fileBytes: number, lease: Lease): Journal {
  const records = [...tail.records];
  let length = tail.validBytes;
  let torn = fileBytes > tail.validBytes;
  let seq = records.reduce((last, record) => Math.max(last, record.seq), 0);
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (torn) await disk.truncate(path, length);
    torn = true;
    await disk.append(path, bytes);
    torn = false;
  };
  const append = batched<Omit<JournalRecord, 'seq' | 'token'>>(async (items) => {
    lease.verify();
    const fresh = items.map((item, index) => ({ ...item, seq: seq + 1 + index, token: lease.token }));
    const bytes = Buffer.from(fresh.map(journalLine).join(''));
    // On a full disk the reserve was freed for just this, so it is worth a second try.
    await write(bytes).catch((error: unknown) => (isFull(error) ? write(bytes) : Promise.reject(error)));
    length += bytes.length;
    seq += items.length;
    records.push(...fresh);
  });
  return { append, records: () => records, bytes: () => length };
}
