import { dirname, join } from 'node:path';
import type { Json } from '../domain/desired.ts';
import type { Outcome } from '../domain/event.ts';
import type { Generation, StepResult } from '../domain/generation.ts';
import type { AppliedModel } from '../domain/observed.ts';
import type { JournalStep, Lease, RunHeader, RunLedger } from '../domain/ledger.ts';
import type { Disk } from './disk.ts';
import { openDocument, type Document } from './document.ts';
import { TEMPORARY, readJson, setAside, writeDurably } from './durable.ts';
import {
  EMPTY_ENDPOINTS,
  EMPTY_INVENTORY,
  endpointsShape,
  inventoryShape,
  stateFiles,
  type EndpointsFile,
  type InventoryFile,
} from './files.ts';
import { generationNumbers, interrupted, newGeneration, readGenerations, writeGeneration } from './generations.ts';
import { compacted, journalLine, openJournal, parseJournal, type Journal, type JournalRecord } from './journal.ts';
import { keepReserve, needsReserve, noRoom, reserveFor, withReserve } from './reserve.ts';
import { withApplied, withBackends, withEndpoint, withFinished, withoutEndpoint } from './changes.ts';

/** A journal beyond this many bytes is compacted when a run ends. */
const COMPACT_BYTES = 64 * 1024;
/** Runs whose begin and end stay in a compacted journal. */
const KEPT_RUNS = 20;

interface Open {
  readonly disk: Disk;
  readonly dir: string;
  readonly lease: Lease;
  readonly header: RunHeader;
  readonly journal: Journal;
  readonly inventory: Document<InventoryFile>;
  readonly endpoints: Document<EndpointsFile>;
  readonly generation: Generation;
  /** Takes the room again that a full disk made this run free, as far as it is still there. */
  readonly keepReserve: () => Promise<number>;
  /** True once a step has begun: only then the run is worth a generation. */
  begun: boolean;
}

/** Opens a run: tidies what a cut-off one left, and writes down that this one begins. */
export async function beginRun(plainDisk: Disk, dir: string, lease: Lease, header: RunHeader): Promise<RunLedger> {
  lease.verify();
  const disk = withReserve(plainDisk, dir);
  await tidy(disk, dir);
  const journal = await reopenJournal(disk, dir, lease);
  const inventory = await reopen(disk, stateFiles.inventory(dir), inventoryShape, EMPTY_INVENTORY, lease);
  await closeInterrupted(disk, dir, journal.records(), inForce(inventory.current()));
  const endpoints = await reopen(disk, stateFiles.endpoints(dir), endpointsShape, EMPTY_ENDPOINTS, lease);
  const number = 1 + Math.max(0, inventory.current().generation ?? 0, ...(await generationNumbers(disk, dir)));
  const run = `run-${lease.token}-${number}`;
  const reserve = reserveFor(header.plan, Object.keys(inventory.current().models).length, header.source.text.length);
  const kept = header.plan.steps.length === 0 ? reserve : await keepReserve(plainDisk, dir, reserve);
  if (kept < reserve && needsReserve(header.plan)) throw noRoom(dir, reserve);
  const open: Open = {
    disk,
    dir,
    lease,
    header,
    journal,
    inventory,
    endpoints,
    generation: newGeneration(number, run, header),
    keepReserve: () => keepReserve(plainDisk, dir, reserve),
    begun: false,
  };
  await journal.append(runRecord(open, 'run-begin', null));
  return ledgerOf(open);
}

function ledgerOf(open: Open): RunLedger {
  const { generation, inventory, endpoints, journal, header } = open;
  const first = once(() => firstStep(open));
  const watch = startWatch(header.now);
  return {
    run: generation.run,
    generation: generation.number,
    begin: async (step) => {
      await first();
      await journal.append(stepRecord(open, 'begin', step, null));
      watch.begin(step);
    },
    end: (step, status) => {
      watch.end(step);
      return journal.append(stepRecord(open, 'end', step, status));
    },
    publish: (model, endpoint) => endpoints.update((file) => withEndpoint(file, model, endpoint)),
    withdraw: (model, instance) => endpoints.update((file) => withoutEndpoint(file, model, instance)),
    record: (model, applied) =>
      inventory.update((file) => {
        if (applied === null) return withApplied(file, model, null);
        const took = watch.of(model, applied.specHash, file.models[model]);
        return withApplied(file, model, { ...applied, ...took, generation: generation.number, at: header.now() });
      }),
    finish: (outcome, steps, ms) => finish(open, outcome, steps, ms),
  };
}

/** Times how long each model takes from the begin of its start to the end of its probe, so that the next plan can tell. */
function startWatch(now: () => string) {
  const begun = new Map<string, number>();
  const took = new Map<string, number>();
  return {
    begin({ op, model }: JournalStep): void {
      if (op === 'start') begun.set(model, Date.parse(now()));
    },
    end({ op, model }: JournalStep): void {
      const from = begun.get(model);
      if (op === 'probe' && from !== undefined) took.set(model, Math.max(0, Date.parse(now()) - from));
    },
    /** Of this run, else of the same copy's start in an earlier one. */
    of(model: string, specHash: string, before: AppliedModel | undefined): Pick<AppliedModel, 'startMs'> {
      const startMs = took.get(model) ?? (before?.specHash === specHash ? before.startMs : undefined);
      return startMs === undefined ? {} : { startMs };
    },
  };
}

/** Before the first act: the generation, so that a cut-off run is in the history, and the backends on which it acts. */
async function firstStep(open: Open): Promise<void> {
  open.begun = true;
  await open.disk.makeFolder(stateFiles.generations(open.dir));
  await writeGeneration(open.disk, open.dir, open.generation, inForce(open.inventory.current()));
  await open.inventory.update((file) => withBackends(file, open.header.plan));
}

async function finish(open: Open, outcome: Outcome, steps: readonly StepResult[], ms: number): Promise<number | null> {
  const { disk, dir, generation, header, journal, lease } = open;
  lease.verify();
  if (open.begun) {
    const finishedAt = header.now();
    await writeGeneration(disk, dir, { ...generation, outcome, finishedAt, ms, steps }, inForce(open.inventory.current()));
    await open.inventory.update((file) => withFinished(file, header.plan, { number: generation.number, at: finishedAt, outcome, steps }));
  }
  await journal.append(runRecord(open, 'run-end', outcome));
  if (journal.bytes() > COMPACT_BYTES) await compact(disk, dir, journal);
  if (open.begun) await open.keepReserve();
  return open.begun ? generation.number : null;
}

function compact(disk: Disk, dir: string, journal: Journal): Promise<void> {
  return writeDurably(disk, stateFiles.journal(dir), compacted(journal.records(), KEPT_RUNS).map(journalLine).join(''));
}

/** A generation without an outcome belongs to a run that was cut off, because this process holds the lease now. */
async function closeInterrupted(disk: Disk, dir: string, records: readonly JournalRecord[], kept: ReadonlySet<number>): Promise<void> {
  const latest = (await readGenerations(disk, dir, 1))[0];
  if (latest && latest.outcome === null) await writeGeneration(disk, dir, interrupted(latest, records), kept);
}

/** The generations in which what is in force now was applied. */
function inForce({ models }: InventoryFile): ReadonlySet<number> {
  return new Set(Object.values(models).map(({ generation }) => generation));
}

/** A new journal gets its name durably first: an append alone would leave that to chance. */
async function reopenJournal(disk: Disk, dir: string, lease: Lease): Promise<Journal> {
  const path = stateFiles.journal(dir);
  const bytes = await disk.read(path);
  const tail = parseJournal(bytes ?? new Uint8Array());
  if (bytes !== null && !tail.damaged) return openJournal(disk, path, tail, bytes.length, lease);
  if (bytes !== null) await setAside(disk, path);
  const text = tail.records.map(journalLine).join('');
  await writeDurably(disk, path, text);
  return openJournal(disk, path, { ...tail, validBytes: Buffer.byteLength(text) }, Buffer.byteLength(text), lease);
}

async function reopen<T>(disk: Disk, path: string, shape: (value: Json) => T | null, empty: T, lease: Lease): Promise<Document<T>> {
  const { value, problem } = await readJson(disk, path, shape, empty);
  if (problem) await setAside(disk, path);
  return openDocument(disk, path, value, lease);
}

/** Half-written files of killed writers. Nobody else writes here: the lease is ours. */
async function tidy(disk: Disk, dir: string): Promise<void> {
  for (const folder of [dir, dirname(stateFiles.generation(dir, 1))]) {
    const left = (await disk.list(folder)).filter((name) => name.endsWith(TEMPORARY));
    for (const name of left) await disk.remove(join(folder, name));
  }
}

function stepRecord(open: Open, kind: 'begin' | 'end', step: JournalStep, outcome: string | null): Omit<JournalRecord, 'seq' | 'token'> {
  const { op, model, instance } = step;
  return { run: open.generation.run, kind, step: step.id, op, model, instance, outcome, at: open.header.now() };
}

function runRecord(open: Open, kind: 'run-begin' | 'run-end', outcome: string | null): Omit<JournalRecord, 'seq' | 'token'> {
  return { run: open.generation.run, kind, step: '', op: '', model: '', instance: '', outcome, at: open.header.now() };
}

/** All callers wait for one call; after a failure the next caller tries again. */
function once(act: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | null = null;
  return () => {
    result ??= act().catch((error: unknown) => {
      result = null;
      throw error;
    });
    return result;
  };
}
