import type { Lease } from '../domain/ledger.ts';
import { batched } from './batch.ts';
import type { Disk } from './disk.ts';
import { jsonText, writeDurably } from './durable.ts';

/** A JSON file that is changed by small steps and written whole. */
export interface Document<T> {
  current(): T;
  /** Durable when it resolves; when it rejects, the change did not happen, here or on disk. */
  update(change: (value: T) => T): Promise<void>;
}

/** Only under a lease: it is checked again before every write. */
export function openDocument<T>(disk: Disk, path: string, start: T, lease: Lease): Document<T> {
  let value = start;
  const update = batched<(value: T) => T>(async (changes) => {
    const next = changes.reduce((before, change) => change(before), value);
    if (next === value) return;
    lease.verify();
    await writeDurably(disk, path, jsonText(next));
    value = next;
  });
  return { current: () => value, update };
}
