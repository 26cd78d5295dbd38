import type { ProcessEntry, ProcessTable } from './process-table.ts';

/**
 * Tells of each process whether it only inherited its mark, as this one did: an llmops that is called from something that an engine
 * started carries the engine's mark, and so do its callers and what else they started, such as the other end of its pipe. They
 * are no part of the engine, and to end them would be to end this. The engine is whatever `isEngine` knows, and what we start.
 */
export function inheritanceAmong(
  entries: readonly ProcessEntry[],
  isEngine: (entry: ProcessEntry) => boolean,
): (entry: ProcessEntry) => boolean {
  const byPid = new Map(entries.map((entry) => [entry.pid, entry]));
  const callers = new Set(lineageOf(byPid.get(process.pid), byPid));
  if (![...callers].some(({ marker }) => marker !== null)) return () => false;
  return (entry) => {
    for (const one of lineageOf(entry, byPid)) {
      if (isEngine(one) || (one.pid === process.pid && one !== entry)) return false;
      if (callers.has(one) && one.marker === entry.marker) return true;
    }
    return false;
  };
}

/** A process, its parent, and so on. */
function lineageOf(entry: ProcessEntry | undefined, byPid: ReadonlyMap<number, ProcessEntry>): readonly ProcessEntry[] {
  const lineage: ProcessEntry[] = [];
  for (let one = entry; one !== undefined && !lineage.includes(one); one = byPid.get(one.parent)) lineage.push(one);
  return lineage;
}

/** Process groups of this process and of those that it was called from: a signal to such a group would end this one. */
export async function callersGroups(table: ProcessTable): Promise<ReadonlySet<number>> {
  const groups = new Set<number>();
  const seen = new Set<number>();
  for (let entry = await table.get(process.pid); entry !== null && !seen.has(entry.pid); entry = await table.get(entry.parent)) {
    seen.add(entry.pid);
    groups.add(entry.group);
  }
  return groups;
}
