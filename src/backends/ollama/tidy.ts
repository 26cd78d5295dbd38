import { tryClaim } from '../kit/claims.ts';
import { systemProcesses } from '../kit/process-table.ts';
import { keptName } from './names.ts';
import { tagNamed, type Parts } from './parts.ts';

/** Who holds it pulls to this backend: see `alone`. */
export function pullClaim({ backendId }: Pick<Parts, 'backendId'>): string {
  return `pull-${backendId}`;
}

/** {@link putRight}, unless a pull is under way. A server that does not answer now is put right by the pull that needs it. */
export async function tidyUp(parts: Parts, signal: AbortSignal): Promise<void> {
  if (parts.notes.pulls().length === 0) return;
  const release = await tryClaim(parts.notes.folder(), pullClaim(parts), systemProcesses());
  try {
    if (release !== null) await putRight(parts, signal);
  } catch {
    // later
  } finally {
    release?.();
  }
}

/**
 * Finishes what a pull had to put right and did not, because it was killed: a tag that was moved gets back what it stood for, one
 * that was not there before goes away again. Only for whoever holds {@link pullClaim}.
 */
export async function putRight(parts: Parts, signal: AbortSignal): Promise<void> {
  for (const { name, before } of parts.notes.pulls()) {
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
