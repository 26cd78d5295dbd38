import { constants, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Artifact } from '../domain/desired.ts';
import type { Attached } from '../domain/kept.ts';
import type { Plan } from '../domain/plan.ts';
import { ProblemError } from '../domain/problem.ts';
import type { Session } from './session.ts';

/** Files that options name are pages of text: the catalog takes none that is larger. */
const LARGEST_BYTES = 1024 * 1024;

/** The files that the options of all these models name, by path. */
export function attachedIn(artifacts: Readonly<Record<string, Artifact>>): Attached {
  return Object.assign({}, ...Object.values(artifacts).map(({ attachments }) => attachments)) as Attached;
}

/**
 * Copies what the options of models name, by its content, to where engines read it from: what a plan was made with is what
 * it is performed with, and what an old copy is put back with, whatever becomes of the file. Throws a ProblemError
 * `plan-stale` if a file that a start needs is not as it was planned; files of models that are left alone are kept if they can be.
 */
export async function keepFiles(session: Pick<Session, 'stateDir' | 'paths'>, plan: Plan, attached: Attached): Promise<void> {
  const starts = plan.steps.flatMap((step) => (step.op === 'start' ? [step.spec] : []));
  for (const { model, attachments = {} } of starts) {
    for (const [file, sha256] of Object.entries(attachments)) if (!(await keepOne(session, file, sha256))) throw changed(model, file);
  }
  for (const [file, sha256] of Object.entries(attached)) await keepOne(session, file, sha256).catch(() => false);
}

/** Removes kept files that nothing refers to any more. Only ever tidiness: what cannot be removed is left. */
export async function pruneFiles({ stateDir }: Pick<Session, 'stateDir'>, attached: Attached): Promise<void> {
  const { pruneKeptFiles } = await import('../state/index.ts');
  await pruneKeptFiles(stateDir, attached).catch(() => undefined);
}

/** False: neither is it kept nor is it what lies at that path now. */
async function keepOne({ stateDir, paths }: Pick<Session, 'stateDir' | 'paths'>, file: string, sha256: string): Promise<boolean> {
  const { isFileKept, keepFile } = await import('../state/index.ts');
  if (await isFileKept(stateDir, sha256)) return true;
  const bytes = await readSmall(resolve(paths.baseDir, file));
  return bytes !== null && (await keepFile(stateDir, sha256, bytes));
}

/** null: it cannot be read, or is larger than it may be. */
async function readSmall(path: string): Promise<Uint8Array | null> {
  // Not held up by a pipe that somebody put there.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null);
  if (file === null) return null;
  try {
    const facts = await file.stat();
    return facts.isFile() && facts.size <= LARGEST_BYTES ? await file.readFile() : null;
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

function changed(model: string, file: string): ProblemError {
  return new ProblemError({
    code: 'plan-stale',
    model,
    summary: `${file}, which the options of ${model} name, is not as it was when this was planned, and its text of then is not kept.`,
    fix: 'Plan again: llmops plan. Nothing was changed.',
  });
}
