import type { Problem } from '../domain/problem.ts';
import type { RemoteFile } from '../domain/weights.ts';
import type { PlanInput } from './input.ts';
import type { Staging } from './staging.ts';
import type { Course } from './verdict.ts';
import { count, list, size } from './words.ts';

/**
 * Weights to fetch that the disk has no room for. A warning: until they are fetched somebody may make room, and a fetch
 * that finds none touches nothing that serves. Nothing is counted as free that is kept for what was applied before.
 */
export function roomNotes(
  { room, mode }: PlanInput,
  courses: readonly Course[],
  stagings: ReadonlyMap<string, Staging>,
): readonly Problem[] {
  if (room === undefined || (mode !== 'apply' && mode !== 'prefetch')) return [];
  const fetching = courses.filter(({ wish }) => stagings.get(wish.model.name)?.steps.some(({ op }) => op === 'fetch'));
  const needed = neededFor(fetching);
  const { freeBytes, reserveBytes, dir } = room;
  if (needed === 0 || freeBytes >= needed + reserveBytes) return [];
  const names = fetching.map(({ wish }) => wish.model.name);
  const whose = names.length <= 3 ? list(names) : count(names.length, 'model');
  return [
    {
      severity: 'warning',
      code: 'disk-full',
      summary: `The weights of ${whose} need ${size(needed)} more and a reserve of ${size(reserveBytes)}, and the disk of ${dir} has ${size(freeBytes)} free: ${names.length === 1 ? 'they' : 'not all of them'} will ${names.length === 1 ? 'not ' : ''}be fetched.`,
      fix: `Free ${size(needed + reserveBytes - freeBytes)} there, or set XDG_CACHE_HOME to a folder on another disk. \`llmops cache prune\` removes what no stack needs any more.`,
    },
  ];
}

/** Models may share files, and what an earlier run brought of one is there already. */
function neededFor(courses: readonly Course[]): number {
  const files = new Map<string, RemoteFile>();
  let partial = 0;
  for (const { remote } of courses.map(({ wish }) => wish.artifact)) {
    const fresh = (remote?.missing ?? []).filter(({ sha256 }) => !files.has(sha256));
    for (const file of fresh) files.set(file.sha256, file);
    if (fresh.length > 0) partial += remote?.partialBytes ?? 0;
  }
  return Math.max(0, [...files.values()].reduce((sum, { bytes }) => sum + bytes, 0) - partial);
}
