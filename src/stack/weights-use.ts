import type { Artifact } from '../domain/desired.ts';
import { waysBack, type WeightFiles } from '../domain/retention.ts';
import { lockPathOf } from './paths.ts';
import type { Session } from './session.ts';
import { releaseOfGeneration } from './release.ts';
import { storeOf } from './store.ts';
import type { Surroundings } from './surroundings.ts';
import type { Survey } from './survey.ts';

/**
 * Puts the stack on record in the store of weights, with all that it has and is about to use: `cache prune` of another stack, or with
 * other folders in its environment, must not take that for unused. Nothing is written for a stack that fetches nothing.
 */
export async function noteWeightsUse(
  { paths, stateDir, lock }: Session,
  { artifacts, problems }: Pick<Survey, 'artifacts' | 'problems'>,
  context: Surroundings,
): Promise<void> {
  const fetched = Object.values(artifacts).flatMap(digestsOfArtifact);
  const store = await storeOf(context);
  const before = (await store.users().catch(() => ({ users: [] }))).users.find((user) => user.stateDir === stateDir);
  if (fetched.length === 0 && before === undefined) return;
  // A damaged state tells less than there is; what was known before may run still.
  const known = problems.some(({ code }) => code === 'state-damaged') ? (before?.digests ?? []) : [];
  const digests = [...fetched, ...known, ...(await digestsOnRecord(stateDir))];
  const user = { stateDir, lock: lock === undefined ? lockPathOf(paths.file) : null, digests };
  await store.noteUser(user).catch((error: unknown) => {
    const isCovered = before !== undefined && before.lock === user.lock && digests.every((digest) => before.digests.includes(digest));
    if (!isCovered && !isReadOnly(error)) throw error;
  });
}

/** What this user cannot write to this user cannot prune either: weights that others brought are used where they lie. */
function isReadOnly(error: unknown): boolean {
  const { code } = ((error as { readonly cause?: unknown } | null)?.cause ?? {}) as NodeJS.ErrnoException;
  return ['EROFS', 'EACCES', 'EPERM'].includes(code ?? '');
}

function digestsOfArtifact({ sha256, remote }: Artifact): readonly string[] {
  return remote === undefined ? [] : [sha256, ...remote.files.map((file) => file.sha256)];
}

/** Files that models were fetched as, for the history. */
export function fetchedIn(artifacts: Readonly<Record<string, Artifact>>): WeightFiles {
  const files = Object.values(artifacts).flatMap(({ remote }) => remote?.files ?? []);
  return Object.fromEntries(files.map(({ sha256, bytes }) => [sha256, bytes]));
}

/** Digests of weights, and of their files, that a state tells: as applied now, or in a generation that the policy keeps to go back to. */
export async function digestsOnRecord(stateDir: string): Promise<readonly string[]> {
  const { listGenerations, readState } = await import('../state/index.ts');
  const { inventory } = await readState(stateDir);
  const applied = Object.values(inventory.models).flatMap(({ spec, fields }) => [
    fields['digest'],
    ...(spec === undefined ? [] : [spec.weights.sha256, ...(spec.weights.remote?.files ?? []).map(({ sha256 }) => sha256)]),
  ]);
  const generations = await listGenerations(stateDir);
  const kept = waysBack(generations, releaseOfGeneration).flatMap(({ files, isKept }) => (isKept ? Object.keys(files) : []));
  const untold = generations.filter(({ source }) => source.weights === undefined);
  const retained = [...kept, ...untold.flatMap(({ changes }) => changes.map(({ wish }) => wish?.fields['digest']))];
  return [...applied, ...retained].filter((digest) => typeof digest === 'string');
}
