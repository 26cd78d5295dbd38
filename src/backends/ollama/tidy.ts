import { keptName } from './names.ts';
import { tagNamed, type Parts } from './parts.ts';

/**
 * Finishes what a pull had to put right and did not, because it was killed: a tag that was moved gets back what it stood for, one that was
 * not there before goes away again. Two runs of one stack are kept apart by its lease, so none of these is under way.
 */
export async function putRight(parts: Parts, signal: AbortSignal): Promise<void> {
  const pulls = parts.notes.pulls();
  if (pulls.length === 0) return;
  for (const { name, before } of pulls) {
    if (before === 'kept') await restoreKept(name, parts, signal);
    else await removeNew(name, parts, signal);
    parts.notes.forgetPull(name);
  }
}

async function restoreKept(name: string, { client }: Parts, signal: AbortSignal): Promise<void> {
  if (await client.copy(keptName(name), name, signal)) await client.remove(keptName(name), signal);
}

async function removeNew(name: string, { client }: Parts, signal: AbortSignal): Promise<void> {
  if (tagNamed(name, await client.tags(signal)) !== null) await client.remove(name, signal);
}
