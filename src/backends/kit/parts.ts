import { createHash } from 'node:crypto';
import type { DriverContext } from '../../domain/backend.ts';
import type { BackendSpec } from '../../domain/desired.ts';
import { inheritanceAmong } from './callers.ts';
import type { Clock } from './clock.ts';
import type { ProcessEngine, ProcessWords } from './engine.ts';
import { decodeMarker, type Marker } from './marker.ts';
import type { ProcessEntry, ProcessTable } from './process-table.ts';
import type { InstanceRecord, Records } from './records.ts';
import type { HeldSecrets } from './secrets.ts';

/** What the pieces of a process driver share. */
export interface Parts {
  readonly engine: ProcessEngine;
  readonly spec: BackendSpec;
  readonly context: DriverContext;
  readonly table: ProcessTable;
  readonly records: Records;
  readonly clock: Clock;
  readonly stackId: string;
  /** Exit codes of processes that ended under our eyes, by pid. */
  readonly exits: Map<number, number | null>;
  readonly secrets: HeldSecrets;
  /** Deadline of one question to an instance, in milliseconds. */
  readonly askMs: number;
  /** How long a process may take to end on SIGTERM, in milliseconds. */
  readonly graceMs: number;
}

/** What it takes to find processes of one stack and backend. */
export type Finder = Pick<Parts, 'stackId' | 'table'> & {
  readonly spec: Pick<BackendSpec, 'name'>;
  /** Absent: this engine keeps none. */
  readonly records?: Pick<Records, 'adopted' | 'get'>;
};

/** An instance of ours as the process table shows it. */
export interface Found {
  readonly marker: Marker;
  /** The process that was started; null: it ended and left others of its group behind. */
  readonly leader: ProcessEntry | null;
  /** Every living process that carries this mark: the leader, and whatever it started. */
  readonly members: readonly ProcessEntry[];
}

/**
 * Instances of this stack and backend by id, also those of the type that the backend had before. A process that inherited
 * the mark is a member, never an instance; whoever called us is neither, unless it is the very process on record. What was taken
 * over carries no mark: the record of that stands for it, as long as the very same process runs with the very same arguments.
 */
export function findOurs(entries: readonly ProcessEntry[], parts: Omit<Finder, 'table'>): ReadonlyMap<string, Found> {
  const found = adopted(entries, parts);
  const isInherited = inheritanceAmong(entries, (entry) => isOnRecord(entry, parts));
  for (const entry of entries) {
    const marker = decodeMarker(entry.marker);
    if (!marker || marker.stackId !== parts.stackId || marker.backend !== parts.spec.name) continue;
    if (isInherited(entry)) continue;
    const known = found.get(marker.id);
    const leads = entry.pid === entry.group;
    const leader = leads && (!known?.leader || isOlder(entry, known.leader)) ? entry : (known?.leader ?? null);
    found.set(marker.id, {
      marker: leader === entry || !known ? marker : known.marker,
      leader,
      members: [...(known?.members ?? []), entry],
    });
  }
  return found;
}

/** Nothing of an engine that keeps no records was taken over as a process. */
function adopted(entries: readonly ProcessEntry[], parts: Omit<Finder, 'table'>): Map<string, Found> {
  const records = (parts.records?.adopted() ?? []).filter(({ spec }) => spec.backend === parts.spec.name);
  return new Map(
    records.flatMap((record): [string, Found][] => {
      const entry = entries.find((each) => isTheAdopted(each, record));
      return entry === undefined ? [] : [[record.spec.id, { marker: markerOfRecord(record, parts), leader: entry, members: [entry] }]];
    }),
  );
}

function isOnRecord({ pid, started, marker }: ProcessEntry, { records }: Pick<Finder, 'records'>): boolean {
  const { process } = records?.get(decodeMarker(marker)?.id ?? '') ?? {};
  return process !== undefined && process.pid === pid && process.started === started;
}

/** Never by pid alone. */
function isTheAdopted({ pid, started, args, marker }: ProcessEntry, { process, adopted: words }: InstanceRecord): boolean {
  return pid === process.pid && started === process.started && marker === null && hashOfWords(args) === words;
}

/** SHA-256 (hex) of a command line. */
export function hashOfWords(args: readonly string[]): string {
  return createHash('sha256').update(args.join('\0')).digest('hex');
}

/** True if a process was taken over by this stack, for whichever backend. */
export function isAdopted(entry: ProcessEntry, { records }: { readonly records?: Pick<Records, 'adopted'> }): boolean {
  return (records?.adopted() ?? []).some((record) => isTheAdopted(entry, record));
}

function markerOfRecord({ type, spec, port, logFile }: InstanceRecord, { stackId }: Pick<Parts, 'stackId'>): Marker {
  const { stack, backend, model, id, specHash, weights } = spec;
  return { v: 1, stackId, stack, type, backend, model, id, specHash, digest: weights.sha256, port, logFile };
}

/** One instance of ours, looked for in the whole table: its record may be gone. */
export async function findOne(id: string, parts: Finder): Promise<Found | null> {
  return findOurs(await parts.table.list(), parts).get(id) ?? null;
}

/** Which of two copies of one instance came first; every process that asks gets the same answer. */
export function isOlder(a: ProcessEntry, b: ProcessEntry): boolean {
  const [x, y] = [startOrder(a), startOrder(b)];
  return x === y ? a.pid < b.pid : x < y;
}

function startOrder(entry: ProcessEntry): number {
  const ticks = Number(entry.started.slice(entry.started.lastIndexOf(':') + 1));
  return Number.isNaN(ticks) ? Date.parse(entry.startedAt ?? '') : ticks;
}

/** The base URL of a port on this machine. */
export function endpointOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** What a process was told, for {@link ProcessEngine.configured}. */
export function wordsOf(entry: ProcessEntry): ProcessWords {
  return { args: entry.args, env: entry.env() };
}

/** The record of an instance that belongs to this backend, of whatever type it was then; null: none. */
export function recordOf(id: string, parts: Parts): InstanceRecord | null {
  const record = parts.records.get(id);
  return record !== null && record.spec.backend === parts.spec.name ? record : null;
}
