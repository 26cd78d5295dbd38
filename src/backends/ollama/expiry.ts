import type { StepIo } from '../../domain/backend.ts';
import { parseDerived } from './names.ts';
import type { Parts } from './parts.ts';
import { embedsOnly, type Row } from './shown.ts';

/** Ollama's own OLLAMA_KEEP_ALIVE. */
const USUAL_MS = 300_000;

/**
 * To be called before a runner is asked to stay for a copy of ours: there is one for all names of the weights, and the one who loaded it
 * under another name wanted it to go some time.
 */
export function askToStay(row: Row, { notes }: Parts): void {
  if (row.endless || parseDerived(row.name) !== null) return;
  notes.noteStay(row, row.expiresAt === null ? USUAL_MS : Math.max(row.expiresAt - Date.now(), 1000));
}

/** Lets a runner that somebody else goes on using go when it would have gone without us. */
export async function stopAskingToStay(row: Row, parts: Parts, io: StepIo): Promise<void> {
  const ms = row.endless ? parts.notes.stayOf(row) : null;
  if (ms === null) return;
  const shown = await parts.client.show(row.name, io.signal);
  if (shown !== null) await parts.client.load(row.name, { keepAlive: ms, embeds: embedsOnly(shown) }, io.signal);
  parts.notes.forgetStay(row);
}
