import type { Wanted } from '../../domain/backend.ts';
import { mapBounded } from '../../domain/bounded.ts';
import { heldKey, type Unpullable } from '../../domain/observed.ts';
import { isOpen } from '../../domain/weights.ts';
import { digestOfTag, waysOfBlob } from './ask-registry.ts';
import type { Parts } from './parts.ts';
import type { Tag } from './shown.ts';

const ASK_AT_ONCE = 8;

/**
 * Of models that would have to be pulled, those that the server cannot pull as they are pinned, and why: a tag cannot be asked for
 * what it stood for before, and a registry that sends files itself is none that Ollama takes from. Reads only. `isUp`: the server can be asked.
 */
export async function findUnpullable(
  models: readonly Wanted[],
  parts: Parts,
  isUp: boolean,
  signal: AbortSignal,
): Promise<readonly Unpullable[]> {
  const tags = isUp ? await parts.client.tags(signal) : [];
  const found = await mapBounded(models, ASK_AT_ONCE, (wanted) => lookAt(wanted, tags, parts, isUp, signal));
  return found.filter((each) => each !== null);
}

async function lookAt(
  { artifact }: Wanted,
  tags: readonly Tag[],
  parts: Parts,
  isUp: boolean,
  signal: AbortSignal,
): Promise<Unpullable | null> {
  const { remote } = artifact;
  const origin = remote?.origin;
  if (remote === undefined || origin?.kind !== 'ollama' || !isOpen(origin)) return null;
  const key = heldKey(artifact);
  if (tags.some(({ digest }) => digest === key)) return null; // under another name: a copy of the manifest is all it takes
  const now = await digestOfTag(origin, parts, signal);
  if (now === null) return null;
  const digests = remote.files.map(({ sha256 }) => sha256);
  const hasFiles = isUp && (await hasAll(digests, parts, signal));
  if (now === key) {
    const ways = hasFiles || digests[0] === undefined ? 'named' : await waysOfBlob(origin, digests[0], parts, signal);
    return ways === 'sent' ? { key, why: 'no-redirect', hasFiles } : null;
  }
  const [missing] = hasFiles ? [] : remote.missing;
  const isGone = missing !== undefined && (await waysOfBlob(origin, missing.sha256, parts, signal)) === 'gone';
  return { key, why: isGone ? 'gone' : 'tag-moved', hasFiles };
}

/** The server has all of these files, whatever names them there. */
export async function hasAll(digests: readonly string[], { client }: Pick<Parts, 'client'>, signal: AbortSignal): Promise<boolean> {
  for (const digest of digests) if (!(await client.hasBlob(digest, signal))) return false;
  return digests.length > 0;
}
