import type { Desired } from '../domain/desired.ts';
import type { ModelLock, Outdated } from '../domain/lock.ts';
import { ofModel, type Place, type Problem } from '../domain/problem.ts';
import type { LockComparison } from './compare.ts';

/** What {@link lockProblems} tells about. */
export interface CheckedLock {
  readonly comparison: LockComparison;
  readonly desired: Desired;
  /** Path of llmops.lock as people should see it. */
  readonly file: string;
  /** Where each entry stands in it. */
  readonly places: Readonly<Record<string, Place>>;
}

/** Everything that keeps a lock from holding for llmops.yaml, each with its place in the one file or the other. Pure. */
export function lockProblems({ comparison, desired, file, places }: CheckedLock): readonly Problem[] {
  const fix = `Type \`llmops lock${desired.environment === null ? '' : ` --env ${desired.environment}`}\`, and commit ${file}.`;
  return [
    ...comparison.models.flatMap((model) => modelProblems(model, desired, file, places).map((problem) => ({ ...problem, fix }))),
    ...comparison.unused.map((entry): Problem => ({
      severity: 'error',
      code: 'lock-unused',
      summary: `${entry} is pinned in ${file}, and nothing needs it any more`,
      fix: `Type \`llmops lock\`, which takes it out, and commit ${file}.`,
      ...(places[entry] && { place: places[entry] }),
    })),
  ];
}

function modelProblems(
  { model, status, entry, why }: ModelLock,
  desired: Desired,
  file: string,
  places: Readonly<Record<string, Place>>,
): readonly Problem[] {
  const about = (key: string, problem: Problem): Problem => ofModel(model, key, problem, desired.places);
  if (status === 'missing')
    return [about('source', { severity: 'error', code: 'not-locked', summary: `${model} is not pinned in ${file}` })];
  const pinned = entry === null ? undefined : places[entry];
  return why.map((one) =>
    about(one.what, {
      severity: 'error',
      code: 'lock-outdated',
      summary: `${file} pins ${entry} ${words(one)}`,
      ...(pinned && { details: [`pinned at ${pinned.file}:${pinned.line}`] }),
    }),
  );
}

function words({ what, pinned, wanted }: Outdated): string {
  switch (what) {
    case 'source':
      return `from ${pinned}, and ${wanted} is asked for`;
    case 'revision':
      return `at ${revision(pinned)}, and ${revision(wanted)} is asked for`;
    case 'quantization':
      return `${pinned === null ? 'without saying how it is quantized' : `as ${pinned}`}, and ${someOf(wanted ?? '')} is asked for`;
    case 'sha256':
      return `with SHA-256 ${pinned}, and ${wanted} is asked for`;
  }
}

/** A floor such as `atLeast: Q2_K` accepts dozens. */
function someOf(names: string): string {
  const all = names.split(', ');
  if (all.length === 1) return names;
  return `one of ${all.length <= 4 ? names : `${all.slice(0, 3).join(', ')} and ${all.length - 3} more`}`;
}

function revision(name: string | null): string {
  return name === null ? 'the default revision' : `revision ${name}`;
}
