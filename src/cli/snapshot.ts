import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Artifact } from '../domain/desired.ts';
import type { Inventory, ObservedBackend } from '../domain/observed.ts';
import { ProblemError, type Problem } from '../domain/problem.ts';
import type { CliContext } from './context.ts';
import type { Session } from './session.ts';
import type { Survey } from './survey.ts';

/** What was seen on a machine with engines, for planning where there are none (a pull request's CI). */
export interface Snapshot {
  readonly kind: 'llmops-snapshot';
  readonly formatVersion: '1.0';
  readonly takenAt: string;
  readonly stack: string;
  readonly artifacts: Readonly<Record<string, Artifact>>;
  readonly observed: readonly ObservedBackend[];
  readonly inventory: Inventory;
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
  };
  await writeFile(resolve(context.cwd, path), `${JSON.stringify(snapshot, null, 1)}\n`, { mode: 0o600 });
}

/**
 * Reads a snapshot in the place of a live survey. Weights that lie here are looked at; those that do not are taken from
 * the snapshot, if it knows the same source.
 */
export async function readSnapshot(path: string, session: Session, context: CliContext): Promise<Survey> {
  const snapshot = await parseSnapshot(path, context);
  if (snapshot.stack !== session.desired.stack) {
    throw new ProblemError({ code: 'snapshot-of-another-stack', summary: `${path} was taken of stack ${snapshot.stack}; this is ${session.desired.stack}.`, fix: 'Take one of this stack: llmops status --snapshot FILE.' });
  }
  const { resolveArtifacts } = await import('../catalog/index.ts');
  const here = await resolveArtifacts(session.desired, { baseDir: session.paths.baseDir, cacheDir: session.cacheDir, signal: context.signal, progress: () => undefined });
  const recorded = new Map(Object.values(snapshot.artifacts).map((artifact) => [artifact.source, artifact]));
  const artifacts: Record<string, Artifact> = { ...here.artifacts };
  const known = new Set<string>();
  for (const model of session.desired.models) {
    const artifact = recorded.get(model.source.written);
    if (artifacts[model.name] || !artifact) continue;
    artifacts[model.name] = artifact;
    known.add(`models.${model.name}.source`);
  }
  const isStillMissing = (problem: Problem) => problem.code !== 'weights-missing' || ![...known].some((key) => samePlace(problem, session, key));
  return {
    artifacts,
    problems: [...session.warnings, ...here.problems.filter(isStillMissing)],
    observed: snapshot.observed,
    inventory: snapshot.inventory,
    drivers: {},
    specs: session.desired.backends,
  };
}

function samePlace(problem: Problem, session: Session, key: string): boolean {
  const place = session.desired.places[key];
  return place !== undefined && problem.place?.line === place.line && problem.place.file === place.file;
}

async function parseSnapshot(path: string, context: CliContext): Promise<Snapshot> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(resolve(context.cwd, path), 'utf8'));
  } catch (error) {
    throw new ProblemError({ code: 'bad-snapshot', summary: `The snapshot ${path} cannot be read: ${(error as Error).message}.`, fix: 'Take one with `llmops status --snapshot FILE`.' }, error);
  }
  const snapshot = value as Partial<Snapshot> | null;
  if (snapshot?.kind !== 'llmops-snapshot' || snapshot.formatVersion !== '1.0' || !Array.isArray(snapshot.observed) || !snapshot.inventory) {
    throw new ProblemError({ code: 'bad-snapshot', summary: `${path} is not a snapshot that this llmops reads (format 1.0).`, fix: 'Take one with `llmops status --snapshot FILE`.' });
  }
  return snapshot as Snapshot;
}
