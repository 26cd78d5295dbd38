import type { Resolved } from '../catalog/index.ts';
import type { Artifact, InstanceSpec, ModelSpec } from '../domain/desired.ts';
import type { Room } from '../domain/weights.ts';
import type { ProgressNote, Surroundings } from './surroundings.ts';
import { readPins } from './pins.ts';
import type { Session } from './session.ts';
import { storeOf } from './store.ts';

/** What was found, and the disk that what is missing is fetched to. Absent: nothing is, or it does not tell. */
export type ResolvedWeights = Resolved & { readonly room?: Room };

/**
 * Looks at the weights of every declared model and at what llmops.lock pins of them, and notes what takes long.
 * Changes nothing but the cache of digests.
 */
export async function resolveWeights(session: Session, context: Surroundings, note: ProgressNote): Promise<ResolvedWeights> {
  const [{ resolveArtifacts }, pins] = await Promise.all([import('../catalog/index.ts'), readPins(session, context)]);
  const resolved = await resolveArtifacts(session.desired, {
    baseDir: session.paths.baseDir,
    cacheDir: session.cacheDir,
    signal: context.signal,
    ...(pins.pinned === undefined ? {} : { pinned: pins.pinned }),
    attachments: attachmentsIn(session),
    ...(session.attached === undefined ? {} : { attached: session.attached }),
    progress: (model, done, total) => note.show(`hashing the weights of ${model}: ${Math.floor((100 * done) / Math.max(1, total))} %`),
  });
  const all = asRecorded(session, { ...resolved, problems: [...pins.problems, ...resolved.problems] });
  const room = await roomFor(all, context);
  return room === null ? all : { ...all, room };
}

/** null: nothing is to be fetched. A disk that does not tell is told of by the fetch. */
async function roomFor({ artifacts }: Resolved, context: Surroundings): Promise<Room | null> {
  if (Object.values(artifacts).every(({ remote }) => remote === undefined || remote.missing.length === 0)) return null;
  const store = await storeOf(context);
  return await store.room().catch(() => null);
}

/** Weights of models that are in force otherwise than the lock says now: those that they were applied with. */
function asRecorded({ desired, recorded }: Session, { artifacts, problems }: Resolved): Resolved {
  const others = desired.models.filter(({ name }) => {
    const weights = recorded?.[name];
    return weights !== undefined && artifacts[name]?.sha256 !== weights.sha256;
  });
  if (others.length === 0) return { artifacts, problems };
  const all = { ...artifacts };
  for (const { name, source } of others) all[name] = recordedArtifact(source.written, recorded?.[name] as InstanceSpec['weights']);
  const names = new Set(others.map(({ name }) => name));
  // What is wrong with the lock as a whole is wrong with what is not gone by here.
  return { artifacts: all, problems: problems.filter(({ model }) => model !== undefined && !names.has(model)) };
}

function recordedArtifact(source: string, { remote, ...file }: InstanceSpec['weights']): Artifact {
  const known = { source, ...file, gguf: null };
  return remote === undefined ? known : { ...known, remote: { ...remote, missing: [], ready: true, partialBytes: 0 } };
}

/** Which files a model's options name is its backend's to say. */
function attachmentsIn({ desired, backends }: Session): (model: ModelSpec) => Readonly<Record<string, string>> {
  const types = new Map(desired.backends.map((spec) => [spec.name, spec.type]));
  return (model) => backends[types.get(model.backend) ?? '']?.attachments?.(model) ?? {};
}
