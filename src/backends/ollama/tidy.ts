import { tryClaim } from '../kit/claims.ts';
import { systemProcesses } from '../kit/process-table.ts';
import { keptName } from './names.ts';
import type { Parts } from './parts.ts';

/** Who holds it pulls to this backend: see `alone`. */
export function pullClaim({ backendId }: Pick<Parts, 'backendId'>): string {
  return `pull-${backendId}`;
}

/** {@link putRight}, unless a pull is under way. A server that does not answer now is put right by the pull that needs it. */
export async function tidyUp(parts: Parts, signal: AbortSignal): Promise<void> {
  if (parts.notes.kept().length === 0) return;
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
 * Gives users' tags that a killed pull moved back what they stood for. A tag that such a pull left and that was not there before
 * stays: by now it may be somebody's. Only for whoever holds {@link pullClaim}.
 */
export async function putRight(parts: Parts, signal: AbortSignal): Promise<void> {
  for (const name of parts.notes.kept()) await restoreKept(name, parts, signal);
}

/** Gives one tag back what it stood for. */
export async function restoreKept(name: string, { client, notes }: Parts, signal: AbortSignal): Promise<void> {
  if (await client.copy(keptName(name), name, signal)) await client.remove(keptName(name), signal);
  notes.forgetKept(name);
}
