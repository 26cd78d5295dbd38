import type { Artifact } from '../domain/desired.ts';
import type { Inventory, ObservedBackend } from '../domain/observed.ts';
import { ProblemError, type Problem } from '../domain/problem.ts';
import { MOST_DATA_BYTES, readBounded } from '../files/bounded-read.ts';
import type { CliContext, StackFlags } from './context.ts';
import { whyNotRead } from '../files/file-reasons.ts';
import { pathIn } from '../stack/paths.ts';
import { noteIn } from '../stack/surroundings.ts';
import type { Session } from '../stack/session.ts';
import type { Survey } from '../stack/survey.ts';
import { resolveWeights } from '../stack/weights.ts';
import { writeResult } from './write-file.ts';

/** What was seen on a machine with engines, for planning where there are none (a pull request's CI). */
interface Snapshot {
  readonly kind: 'llmops-snapshot';
  readonly formatVersion: '1.0';
  readonly takenAt: string;
  readonly stack: string;
  readonly artifacts: Readonly<Record<string, Artifact>>;
  readonly observed: readonly ObservedBackend[];
  readonly inventory: Inventory;
  /** Absent: taken by an earlier version. */
  readonly secrets?: Survey['secrets'];
}

/** Writes what a survey saw. */
export async function writeSnapshot(path: string, session: Session, seen: Survey, context: CliContext): Promise<void> {
  const snapshot: Snapshot = {
    kind: 'llmops-snapshot',
    formatVersion: '1.0',
    takenAt: context.now(),
    stack: session.desired.stack,
    artifacts: seen.artifacts,
    observed: seen.observed,
    inventory: seen.inventory,
    secrets: seen.secrets,
  };
  await writeResult(path, `${JSON.stringify(snapshot, null, 1)}\n`, '--snapshot');
}

/**
 * Reads a snapshot in the place of a live survey: no engine is asked and no state is read. Weights that lie here are
 * looked at; those that do not are taken from the snapshot, if it knows the same source. The second member is when it was taken.
 */
export async function readSnapshot(
  path: string,
  session: Session,
  context: CliContext,
  flags: StackFlags,
): Promise<readonly [seen: Omit<Survey, 'drivers'>, takenAt: string]> {
  const snapshot = await parseSnapshot(pathIn(context, flags, path), path);
  if (snapshot.stack !== session.desired.stack) throw ofAnotherStack(path, snapshot.stack, session.desired.stack);
  const note = noteIn(context);
  const here = await resolveWeights(session, context, note).finally(() => note.clear());
  const recorded = new Map(Object.values(snapshot.artifacts).map((artifact) => [artifact.source, artifact]));
  const artifacts: Record<string, Artifact> = { ...here.artifacts };
  const filled = new Set<string>();
  for (const { name, source } of session.desired.models) {
    const artifact = recorded.get(source.written);
    const own = artifacts[name];
    // The same pinned weights: what of them lies on the machine with engines counts, not what lies here.
    if (artifact?.remote !== undefined && own?.remote !== undefined && artifact.sha256 === own.sha256) artifacts[name] = artifact;
    if (own !== undefined || artifact === undefined) continue;
    artifacts[name] = artifact;
    filled.add(name);
  }
  const stands = ({ code, model }: Problem): boolean => code !== 'weights-missing' || model === undefined || !filled.has(model);
  const problems = [...session.warnings, ...here.problems.filter(stands)];
  return [
    { artifacts, problems, observed: snapshot.observed, inventory: snapshot.inventory, secrets: snapshot.secrets ?? {} },
    snapshot.takenAt,
  ];
}

async function parseSnapshot(path: string, shown: string): Promise<Snapshot> {
  let value: unknown;
  try {
    value = JSON.parse((await readBounded(path, MOST_DATA_BYTES)).toString('utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is no JSON' : whyNotRead(error);
    throw badSnapshot(`The snapshot ${shown} cannot be read: ${reason}.`, error);
  }
  const snapshot = value as Partial<Snapshot> | null;
  const isOne = snapshot?.kind === 'llmops-snapshot' && snapshot.formatVersion === '1.0';
  if (!isOne || !Array.isArray(snapshot.observed) || !snapshot.inventory || !snapshot.artifacts) {
    throw badSnapshot(`${shown} is not a snapshot that this llmops reads (format 1.0).`);
  }
  return snapshot as Snapshot;
}

function badSnapshot(summary: string, cause?: unknown): ProblemError {
  return new ProblemError({ code: 'bad-snapshot', summary, fix: 'Take one with `llmops status --snapshot FILE`.' }, cause);
}

function ofAnotherStack(path: string, taken: string, own: string): ProblemError {
  return new ProblemError({
    code: 'snapshot-of-another-stack',
    summary: `${path} was taken of stack ${taken}; this is ${own}.`,
    fix: 'Take one of this stack: llmops status --snapshot FILE.',
  });
}
