import type { ObservedInstance } from '../domain/observed.ts';
import type { Cost, Replacement } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';
import type { MemoryNeed } from '../fit/index.ts';
import { leaving, lastStop, modelsOf } from './leaving.ts';
import { Ledger } from './ledger.ts';
import { needOfCopy, needOfWish, poolsOf } from './memory.ts';
import type { Ports } from './ports.ts';
import type { Context } from './sight.ts';
import { reasonToSwap } from './swap.ts';
import { endTogether } from './together.ts';
import { afterPorts, inPortOrder, serveUntilFree } from './turns.ts';
import type { Course, Removal } from './verdict.ts';
import { list, size } from './words.ts';

/** How a model gets from its old copies to its new one. */
export interface Arrangement {
  readonly replacement: Replacement | null;
  readonly reason: string | null;
  /** Stops of other models that must have freed memory or a port before the start. */
  readonly after: readonly string[];
  /** Stops of other models that come before anything of this one ends, so that it serves until then. */
  readonly before: readonly string[];
  /** To be used within a sentence: what it waits for, and why; null: for nothing, or the reason tells. */
  readonly waits: string | null;
  readonly memory: Cost['memory'];
  readonly notes: readonly Problem[];
}

interface Draft {
  readonly course: Course;
  readonly need: MemoryNeed | null;
  /** Freed by its own old copies; null: not known. */
  readonly own: MemoryNeed | null;
  /** Set where new before old is out of the question. */
  readonly mustSwap: string | null;
}

/**
 * Shares out memory. The rule: first, everything that stops whatever happens (deletions, leftovers, old copies that
 * must end before their successor starts) promises its memory. Then the models ask in the order of their names. A swap
 * uses its own old copy's memory first. New before old is chosen if the new copy fits at once, or after stops that do
 * not depend on it; else old before new. So no two new copies are ever promised the same bytes, and every wait points
 * to a stop that was arranged before.
 *
 * Ports come first: a model whose port another one gives up asks after that one, and of models that take each other's
 * ports all old copies end before any new one starts.
 */
export function arrange(
  context: Context,
  courses: readonly Course[],
  removals: readonly Removal[],
  ports: Ports,
): ReadonlyMap<string, Arrangement> {
  const ledger = new Ledger(context.world);
  for (const removal of removals) promiseAll(context, ledger, removal);
  const drafts: Draft[] = [];
  for (const course of courses) {
    if (course.need === 'start' || course.need === 'restart') drafts.push(draft(context, course, ports));
    else promiseAll(context, ledger, course);
  }
  for (const each of drafts) if (each.mustSwap !== null) promiseSurplus(ledger, each);
  const byName = new Map(drafts.map((each) => [each.course.wish.model.name, each]));
  const settled = inPortOrder([...byName.keys()], ports).map((name) => {
    const arrangement = settle(context, ledger, byName.get(name) as Draft);
    return [name, afterPorts(context.input.desired, name, arrangement, ports)] as const;
  });
  return endTogether(serveUntilFree(new Map(settled), ports), courses, removals);
}

function draft(context: Context, course: Course, ports: Ports): Draft {
  const { world } = context;
  const home = leaving(course).filter(({ copy }) => copy.backend === course.wish.spec.backend);
  return {
    course,
    need: needOfWish(world, course.wish),
    own: total(home.map(({ copy }) => needOfCopy(world, copy, course.applied, course.wish))),
    mustSwap: reasonToSwap(context, course, ports),
  };
}

function settle(context: Context, ledger: Ledger, each: Draft): Arrangement {
  const { course, need, mustSwap } = each;
  if (leaving(course).length === 0) {
    const ended = course.target !== null && course.applied !== null;
    return placeNew(context, ledger, each, ended ? 'swap' : null, ended ? 'the old copy has ended' : null);
  }
  if (mustSwap !== null) return placeNew(context, ledger, each, 'swap', mustSwap);
  const backend = course.wish.spec.backend;
  const free = freeFor(context, course, need);
  if (course.wish.model.rollout.strategy === 'surge') return placeNew(context, ledger, each, 'surge', 'rollout.strategy is surge');
  if (need === null) return swapNow(context, ledger, each, 'how much memory it needs is not known');
  if (free === null || !ledger.knows(backend, need)) return swapNow(context, ledger, each, 'how much memory is free is not known');
  if (!ledger.fits(backend, need)) return swapNow(context, ledger, each, `both do not fit: it needs ${free}`);
  const arrangement = placeNew(context, ledger, each, 'surge', `both fit: it needs ${free}`);
  const first = modelsOf(arrangement.after);
  return first.length === 0 ? arrangement : { ...arrangement, reason: `both fit once ${list(first)} has freed memory: it needs ${free}` };
}

function swapNow(context: Context, ledger: Ledger, each: Draft, reason: string): Arrangement {
  promiseSurplus(ledger, each);
  return placeNew(context, ledger, each, 'swap', reason);
}

/** Takes memory for the new copy, and promises what the old ones free where that comes later. */
function placeNew(context: Context, ledger: Ledger, each: Draft, replacement: Replacement | null, reason: string | null): Arrangement {
  const { course, need, own } = each;
  const backend = course.wish.spec.backend;
  const asked = need === null ? null : replacement === 'swap' && own !== null ? less(need, own) : need;
  // What its own old copy frees may be all it needs: then nothing is claimed to be short.
  const unknown = replacement === 'swap' && own === null && asked !== null && !ledger.fits(backend, asked);
  const grant = asked === null || unknown || !ledger.knows(backend, asked) ? { fits: true, after: [] } : ledger.take(backend, asked);
  if (replacement === 'surge') promiseAll(context, ledger, course);
  const notes = grant.fits || need === null ? [] : [short(context, course, need)];
  const waits = replacement === 'surge' || grant.after.length === 0 ? null : `for ${list(modelsOf(grant.after))} to free memory`;
  return { replacement, reason, after: grant.after, before: [], waits, memory: memoryOf(context, each, replacement), notes };
}

function promiseAll(context: Context, ledger: Ledger, verdict: Course | Removal): void {
  const wish = verdict.kind === 'run' ? verdict.wish : null;
  const step = lastStop(verdict);
  if (step === null) return;
  for (const { copy } of leaving(verdict)) ledger.promise(copy.backend, step, needOfCopy(context.world, copy, verdict.applied, wish));
}

/** What the old copies of a swap free beyond the need of their own successor. */
function promiseSurplus(ledger: Ledger, { course, need, own }: Draft): void {
  const step = lastStop(course);
  if (step !== null && own !== null && need !== null) ledger.promise(course.wish.spec.backend, step, less(own, need));
}

function less(a: MemoryNeed, b: MemoryNeed): MemoryNeed {
  return { ram: Math.max(0, a.ram - b.ram), vram: Math.max(0, a.vram - b.vram) };
}

function total(needs: readonly (MemoryNeed | null)[]): MemoryNeed | null {
  return needs.reduce<MemoryNeed | null>(
    (sum, need) => (sum === null || need === null ? null : { ram: sum.ram + need.ram, vram: sum.vram + need.vram }),
    { ram: 0, vram: 0 },
  );
}

function poolFor(context: Context, backend: string, need: MemoryNeed): Cost['memory']['pool'] {
  const pools = poolsOf(context.world.backends.get(backend));
  return need.vram > 0 ? pools.vram : pools.ram;
}

/** "2.1 of 18.0 GiB free RAM", reserve taken off; null: not known. */
function freeFor(context: Context, { wish }: Course, need: MemoryNeed | null): string | null {
  const pool = need === null ? null : poolFor(context, wish.spec.backend, need);
  if (need === null || pool === null) return null;
  const reserve = pool.kind === 'vram' ? wish.backend.reserve.vramBytes : wish.backend.reserve.ramBytes;
  return `${size(need[pool.kind])} of ${size(Math.max(0, pool.freeBytes - reserve))} free ${pool.kind.toUpperCase()}`;
}

function short(context: Context, course: Course, need: MemoryNeed): Problem {
  const { model, spec } = course.wish;
  return {
    severity: 'warning',
    code: 'memory-short',
    summary: `${model.name} may not fit on ${spec.backend}: it needs about ${freeFor(context, course, need) ?? size(need.ram + need.vram)}.`,
    fix: 'Lower context or parallel, choose a smaller quantization, or take another model down first.',
    ...(course.place === null ? {} : { place: course.place }),
  };
}

function memoryOf(context: Context, { course, need }: Draft, replacement: Replacement | null): Cost['memory'] {
  const before = total(copiesOf(course).map((copy) => needOfCopy(context.world, copy, course.applied, course.wish)));
  const kind = (need?.vram ?? 0) > 0 ? 'vram' : 'ram';
  const pool = need === null ? null : poolFor(context, course.wish.spec.backend, need);
  const [old, next] = [before?.[kind] ?? null, need?.[kind] ?? null];
  const peak = old === null || next === null ? null : replacement === 'surge' ? old + next : Math.max(old, next);
  return { before: old, after: next, peak, pool };
}

/** What a removal frees. */
export function memoryOfRemoval(context: Context, removal: Removal): Cost['memory'] {
  const before = total(removal.copies.map((copy) => needOfCopy(context.world, copy, removal.applied, null)));
  const pool = before === null || removal.copies.length === 0 ? null : poolFor(context, removal.backend, before);
  const bytes = before === null ? null : before[pool?.kind ?? 'ram'];
  return { before: bytes, after: 0, peak: bytes, pool };
}

function copiesOf({ target, others }: Course): ObservedInstance[] {
  return [...(target === null ? [] : [target]), ...others].filter((copy) => copy.phase !== 'failed');
}
