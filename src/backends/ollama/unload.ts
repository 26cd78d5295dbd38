import type { StepIo } from '../../domain/backend.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import { configuredOf, sameRunner } from './fields.ts';
import { holdsOn } from './holds.ts';
import { parseDerived, shortName } from './names.ts';
import { lookIntoRows, type Store } from './observe.ts';
import { runnerOf, showTag, tagNamed, type Ours, type Parts } from './parts.ts';
import type { Row, Shown } from './shown.ts';

const EVERY_MS = 100;

/**
 * Waits until the runner of these weights is gone. Ollama waits for its requests first and cuts none; that has no end of its
 * own.
 */
export async function awaitUnloaded(digest: string, shown: Shown | null, parts: Parts, io: StepIo): Promise<void> {
  let said = false;
  for (;;) {
    const rows = await parts.client.rows(io.signal);
    if (runnerOf(digest, shown, rows, parts) === null) return;
    if (!said) io.progress('waiting until it is out of memory: Ollama finishes its requests first');
    said = true;
    await parts.clock.sleep(EVERY_MS, io.signal);
    throwIfCancelled(io.signal, 'waiting until a model is out of memory');
  }
}

/** Who else uses a runner. */
export interface RunnerUser {
  readonly other: string;
  /** Where it is nobody whom llmops made: the runner as it is listed. */
  readonly row: Row | null;
}

/**
 * Whose runner it is. `own`: nobody else's, it may be unloaded. Else who would lose it: another copy that llmops made of the same
 * weights with the same load options, of whatever stack, or whoever loaded it under a name of their own. null: there is none.
 */
export async function userOfRunner(
  { tag, derived }: Ours,
  shown: Shown,
  store: Store,
  parts: Parts,
  signal: AbortSignal,
): Promise<'own' | RunnerUser | null> {
  await lookIntoRows(store, parts, signal);
  const row = runnerOf(tag.digest, shown, store.rows, parts);
  if (row === null) return null;
  for (const other of store.tags) {
    if (other.name === tag.name || parseDerived(other.name)?.blobId !== derived.blobId) continue;
    const theirs = await showTag(other, parts, signal);
    if (theirs !== null && sameRunner(configuredOf(shown, []), configuredOf(theirs, []))) return { other: other.name, row: null };
  }
  const isOwnName = row.digest === tag.digest && shortName(row.name) === derived.model;
  const isNamed = parseDerived(row.name) === null && !isOwnName && tagNamed(row.name, store.tags)?.digest === row.digest;
  // What was taken over ends like any other copy, whatever name it was loaded by.
  const isTaken = holdsOn(row, store.tags).some(({ stackId, model }) => stackId === parts.stackId && model === derived.model);
  return isNamed && !isTaken ? { other: row.name, row } : 'own';
}
