import { canonicalJson } from '../domain/canonical.ts';
import type { Artifact, Desired } from '../domain/desired.ts';
import type { Plan } from '../domain/plan.ts';
import { errorsIn, ProblemError } from '../domain/problem.ts';
import { MOST_DATA_BYTES, readBounded } from '../files/bounded-read.ts';
import type { CliContext, StackFlags } from './context.ts';
import { whyNotRead } from '../files/file-reasons.ts';
import { cacheDirOf, pathIn } from '../stack/paths.ts';
import type { Session } from '../stack/session.ts';
import { sha256 } from '../stack/sha256.ts';
import { writeResult } from './write-file.ts';
import { clause } from '../domain/text.ts';

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
  readonly flags: { readonly replace: readonly string[]; readonly allowDestroy: boolean; readonly adopt?: boolean };
  readonly plan: Plan;
}

/** Writes a plan with a checksum over its meaning, readable by its owner alone. `path` is absolute. */
export async function savePlan(path: string, saved: PlanFile): Promise<void> {
  await writeResult(path, `${JSON.stringify({ ...saved, sum: sha256(canonicalJson(saved)) }, null, 1)}\n`, '--out');
}

/** Reads a saved plan back; null if the file is something else. Throws if it was edited or is of another version. */
export async function readPlanFile(path: string, context: CliContext, flags: StackFlags): Promise<PlanFile | null> {
  const parsed = parse(await textOf(path, context, flags));
  if (parsed?.kind !== 'llmops-plan') return null;
  const { sum, ...saved } = parsed;
  if (saved.formatVersion !== '1.0') {
    throw new ProblemError({
      code: 'plan-version',
      summary: `${path} is a plan of format ${String(saved.formatVersion)}; this llmops reads 1.0.`,
      fix: 'Plan again with this version. Nothing was changed.',
    });
  }
  if (sum !== sha256(canonicalJson(saved))) {
    throw new ProblemError({
      code: 'plan-edited',
      summary: `${path} is not as llmops wrote it.`,
      fix: 'Plan again. Nothing was changed.',
    });
  }
  return saved;
}

async function textOf(path: string, context: CliContext, flags: StackFlags): Promise<string> {
  try {
    return (await readBounded(pathIn(context, flags, path), MOST_DATA_BYTES)).toString('utf8');
  } catch (error) {
    throw new ProblemError(
      {
        code: 'no-plan-file',
        summary: `The plan file ${path} cannot be read: ${whyNotRead(error)}.`,
        fix: `Make one with \`llmops plan --out FILE\`.${mayBeModel(path) ? ` One model alone: \`llmops apply --target ${path}\`.` : ''}`,
      },
      error,
    );
  }
}

/** A word that is no path: people who name a model there know it from other tools. */
function mayBeModel(path: string): boolean {
  return /^[a-z0-9][a-z0-9_-]*$/.test(path);
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

/**
 * Refuses a saved plan whose basis has moved: weights are looked at and it is planned again from what is seen now, and
 * both must rest on the same. Throws a ProblemError `plan-stale` that says what moved.
 */
export function refuseStale(saved: PlanFile, again: Plan, artifacts: PlanFile['artifacts']): void {
  const { targets, basis } = saved.plan;
  const ends = saved.plan.mode === 'down' || saved.plan.mode === 'destroy'; // ending a model reads no weights
  const names = ends ? [] : Object.keys(saved.artifacts).filter((name) => targets.length === 0 || targets.includes(name));
  const moved = names.filter((name) => artifacts[name]?.sha256 !== saved.artifacts[name]?.sha256);
  const others = names.filter((name) => attachments(artifacts[name]) !== attachments(saved.artifacts[name]));
  const [error] = errorsIn(again.problems);
  if (moved.length > 0) throw stale(saved, `the weights of ${moved.join(', ')} are not the same any more`);
  if (others.length > 0) throw stale(saved, `files that the options of ${others.join(', ')} name are not the same any more`);
  if (again.basis !== basis) throw stale(saved, 'the engines or the state have changed');
  if (error) throw stale(saved, `a plan made now is refused [${error.code}]: ${clause(error.summary)}`);
}

function attachments(artifact: Artifact | undefined): string {
  return canonicalJson(artifact?.attachments ?? {});
}

function stale({ savedAt }: PlanFile, why: string): ProblemError {
  return new ProblemError({
    code: 'plan-stale',
    summary: `Since this plan was saved (${savedAt}), ${why}.`,
    fix: 'Plan again: llmops plan. Nothing was changed.',
  });
}
