import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { canonicalJson } from '../domain/canonical.ts';
import type { Artifact, Desired } from '../domain/desired.ts';
import type { Plan } from '../domain/plan.ts';
import { errorsIn, ProblemError } from '../domain/problem.ts';
import type { CliContext } from './context.ts';
import { cacheDirOf } from './paths.ts';
import { sha256, type Session } from './session.ts';

/** A saved plan: what `plan --out` writes and `apply FILE` performs exactly. Holds no secret: the file holds references only. */
export interface PlanFile {
  readonly kind: 'llmops-plan';
  readonly formatVersion: '1.0';
  readonly savedAt: string;
  readonly baseDir: string;
  readonly file: string;
  readonly stateDir: string;
  /** Text of llmops.yaml that was planned. */
  readonly text: string;
  readonly desired: Desired;
  readonly artifacts: Readonly<Record<string, Artifact>>;
  readonly flags: { readonly replace: readonly string[]; readonly allowDestroy: boolean };
  readonly plan: Plan;
}

/** Writes a plan with a checksum over its meaning, readable by its owner alone. */
export async function savePlan(path: string, saved: PlanFile, context: CliContext): Promise<void> {
  const body = JSON.stringify({ ...saved, sum: sha256(canonicalJson(saved)) }, null, 1);
  try {
    await writeFile(resolve(context.cwd, path), `${body}\n`, { mode: 0o600 });
  } catch (error) {
    throw new ProblemError({ code: 'cannot-save-plan', summary: `The plan could not be written to ${path}: ${(error as Error).message}.`, fix: 'Name another file with --out. Nothing was changed.' }, error);
  }
}

/** Reads a saved plan back; null if the file is something else. Throws if it was edited or is of another version. */
export async function readPlanFile(path: string, context: CliContext): Promise<PlanFile | null> {
  let text: string;
  try {
    text = await readFile(resolve(context.cwd, path), 'utf8');
  } catch (error) {
    throw new ProblemError({ code: 'no-plan-file', summary: `The plan file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`, fix: 'Make one with `llmops plan --out FILE`.' }, error);
  }
  const parsed = parse(text);
  if (parsed?.kind !== 'llmops-plan') return null;
  const { sum, ...saved } = parsed;
  if (saved.formatVersion !== '1.0') {
    throw new ProblemError({ code: 'plan-version', summary: `${path} is a plan of format ${String(saved.formatVersion)}; this llmops reads 1.0.`, fix: 'Plan again with this version.' });
  }
  if (sum !== sha256(canonicalJson(saved))) {
    throw new ProblemError({ code: 'plan-edited', summary: `${path} is not as llmops wrote it.`, fix: 'Plan again. Nothing was changed.' });
  }
  return saved;
}

function parse(text: string): (PlanFile & { readonly sum: string }) | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as PlanFile & { sum: string }) : null;
  } catch {
    return null;
  }
}

/** The session that a saved plan was made in; llmops.yaml itself is not read again. */
export async function sessionOf(saved: PlanFile, context: CliContext): Promise<Session> {
  return {
    paths: { file: saved.file, shown: saved.desired.file, baseDir: saved.baseDir },
    text: saved.text,
    desired: saved.desired,
    warnings: [],
    stateDir: saved.stateDir,
    cacheDir: cacheDirOf(context),
    backends: await context.backends(),
  };
}

/** Refuses a saved plan whose basis has moved: it is planned again from what is seen now, and both must rest on the same. */
export function refuseStale(saved: PlanFile, again: Plan): void {
  if (again.basis === saved.plan.basis && errorsIn(again.problems).length === 0) return;
  throw new ProblemError({
    code: 'plan-stale',
    summary: `The engines, the weights or the state are not as they were when this plan was saved (${saved.savedAt}).`,
    fix: 'Plan again: llmops plan. Nothing was changed.',
  });
}
