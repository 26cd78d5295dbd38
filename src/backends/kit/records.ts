import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diskError, isWearyDisk } from '../../domain/disk-problem.ts';
import type { InstanceSpec } from '../../domain/desired.ts';
import type { ProcessIdentity } from '../../domain/observed.ts';

/**
 * What was started, kept beside the process so that an instance that ended can be told from one that never was. Only a
 * help: whatever runs is found by its marker even if every record is gone. So a disk that takes no more bytes keeps no
 * process from being started: its record is then kept in memory, for as long as this program runs.
 */
export interface InstanceRecord {
  readonly v: 1;
  readonly type: string;
  readonly spec: InstanceSpec;
  readonly process: ProcessIdentity;
  readonly args: readonly string[];
  readonly port: number;
  readonly logFile: string;
  /** ISO 8601, or null. */
  readonly startedAt: string | null;
  /** True once it answered with a token. */
  readonly wasReady: boolean;
  /**
   * SHA-256 (hex) of its words: somebody else started it, so it carries no mark; `process` and this together tell it from any other. The
   * words themselves may hold a secret of theirs and are not kept. Absent: we started it.
   */
  readonly adopted?: string;
}

/** The records of one stack. Files of other versions, torn ones and foreign ones count as absent. */
export interface Records {
  list(): readonly InstanceRecord[];
  get(id: string): InstanceRecord | null;
  /** What was taken over, for a claim that this stack has left elsewhere as well: without a mark nothing else would find it. */
  adopted(): readonly InstanceRecord[];
  /** Atomic: a reader sees the old record or the new one. False: the disk is full, and only this program knows of it. Throws a ProblemError if the folder may not be written. */
  put(record: InstanceRecord): boolean;
  remove(id: string): void;
  /** Keeps when an instance was last seen to live. Costs no write of a file, and nothing if it cannot be kept. */
  isAlive(id: string): void;
  /** When the record was written, or its instance last seen to live, in milliseconds since the epoch; null: not known. */
  lastAlive(id: string): number | null;
  /** Folder of the records, created on first use if that is possible. */
  folder(): string;
}

/**
 * Opens the records below a stack's state folder; creates nothing before the first write. `claimed`: what this stack has taken over,
 * whether its record is here or not.
 */
export function openRecords(stateDir: string, claimed: () => readonly InstanceRecord[] = () => []): Records {
  const folder = join(stateDir, 'instances');
  const fileOf = (id: string) => join(folder, `${encodeURIComponent(id)}.json`);
  const unwritten = new Map<string, InstanceRecord>();
  const ensure = () => {
    onDisk(folder, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
    return folder;
  };
  const stored = () => namesIn(folder).flatMap((name) => readRecord(join(folder, name)) ?? []);
  const list = () => [...stored().filter(({ spec }) => !unwritten.has(spec.id)), ...unwritten.values()];
  return {
    folder: ensure,
    list,
    adopted() {
      const known = list();
      const lost = claimed().filter(({ spec }) => known.every((record) => record.spec.id !== spec.id));
      return [...known, ...lost].filter((record) => record.adopted !== undefined);
    },
    get: (id) => unwritten.get(id) ?? readRecord(fileOf(id)),
    remove(id) {
      unwritten.delete(id);
      onDisk(folder, () => rmSync(fileOf(id), { force: true }));
    },
    isAlive(id) {
      try {
        const now = new Date();
        utimesSync(fileOf(id), now, now);
      } catch {
        // no record, or a disk that takes nothing
      }
    },
    lastAlive: (id) => statSync(fileOf(id), { throwIfNoEntry: false })?.mtimeMs ?? null,
    put(record) {
      const draft = `${fileOf(record.spec.id)}.${process.pid}.tmp`;
      ensure();
      const done = onDisk(folder, () => {
        writeFileSync(draft, `${JSON.stringify(record)}\n`, { mode: 0o600 });
        renameSync(draft, fileOf(record.spec.id));
      });
      if (done) unwritten.delete(record.spec.id);
      else unwritten.set(record.spec.id, record);
      if (!done) onDisk(folder, () => rmSync(draft, { force: true }));
      return done;
    },
  };
}

/** False: the disk takes no more bytes. */
function onDisk(path: string, write: () => void): boolean {
  try {
    write();
    return true;
  } catch (error) {
    if (isWearyDisk(error)) return false;
    throw diskError(path, error);
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
  } catch {
    return [];
  }
}

function readRecord(path: string): InstanceRecord | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<InstanceRecord> | null;
    return value !== null && isRecord(value) && path.endsWith(`${encodeURIComponent(value.spec.id)}.json`) ? value : null;
  } catch {
    return null;
  }
}

/** Tells a record of this version from anything else. */
export function isRecord(value: Partial<InstanceRecord>): value is InstanceRecord {
  return (
    value.v === 1 &&
    typeof value.type === 'string' &&
    typeof value.spec?.id === 'string' &&
    typeof value.spec.model === 'string' &&
    typeof value.spec.backend === 'string' &&
    typeof value.spec.specHash === 'string' &&
    typeof value.spec.fields === 'object' &&
    typeof value.process?.pid === 'number' &&
    typeof value.process.started === 'string' &&
    Array.isArray(value.args) &&
    typeof value.port === 'number' &&
    typeof value.logFile === 'string'
  );
}
