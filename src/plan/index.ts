import type { Inventory } from '../domain/observed.ts';
import { isStaging, type Change, type Drift, type Plan, type Step } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';
import { compareText } from '../domain/text.ts';
import { arrange } from './arrange.ts';
import { basisOf } from './basis.ts';
import { intended } from './causes.ts';
import { changeOf, summarize, type Way } from './change.ts';
import type { PlanInput } from './input.ts';
import { holdBack } from './hold.ts';
import { judge } from './judge.ts';
import { goneBackend } from './obstacles.ts';
import { inOrder } from './order.ts';
import { handOnPorts } from './ports.ts';
import { judgeRemoval } from './removal.ts';
import { lostEndpoint } from './lost.ts';
import { roomNotes } from './room.ts';
import { massDelete, scopeOf, takeoverDelete, type Scope } from './scope.ts';
import { makeContext, type Context } from './sight.ts';
import { stageWeights } from './staging.ts';
import { stepsOfCourse, stepsOfRemoval, stepsOfLost } from './steps.ts';
import type { Blocked, Course, Removal, Spared, Verdict } from './verdict.ts';
import { placeOf } from './wish.ts';
import { plannedBackends } from './world.ts';
import { count } from './words.ts';

export type { BackendTraits, PlanInput } from './input.ts';

/**
 * Decides what is to be done so that the world becomes what llmops.yaml declares. Pure: everything it knows is in its
 * argument, and the same argument gives the same plan. It throws for bugs only; everything else is a problem in the plan.
 */
export function makePlan(input: PlanInput): Plan {
  const context = makeContext(input);
  const scope = scopeOf(context);
  const verdicts = holdBack(context, judgeAll(context, scope));
  const courses = verdicts.filter((verdict): verdict is Course => verdict.kind === 'run');
  const removals = verdicts.filter((verdict): verdict is Removal => verdict.kind === 'remove');
  const ports = handOnPorts(context.world, verdicts);
  const arrangements = arrange(context, courses, removals, ports);
  const stagings = stageWeights(context, courses);
  const steps: Step[] = [];
  const changes: Change[] = [];
  for (const verdict of verdicts) {
    const name = verdict.kind === 'run' ? verdict.wish.model.name : '';
    const [arrangement, staging] = [arrangements.get(name) ?? null, stagings.get(name) ?? null];
    const lost = lostEndpoint(context, verdict);
    const own = stepsOf(verdict, { arrangement, staging, ports, lost });
    steps.push(...own);
    changes.push(changeOf(context, verdict, { arrangement, staging, lost, acts: own.length > 0 }));
  }
  const notes = [
    ...(input.mode === 'apply' ? [...arrangements.values()].flatMap((arrangement) => arrangement.notes) : []),
    ...roomNotes(input, courses, stagings),
  ];
  return assemble(context, changes, inOrder(steps), verdicts, problemsOf(context, scope, verdicts, notes));
}

function stepsOf(verdict: Verdict, { lost, ...how }: Parameters<typeof stepsOfCourse>[1] & Pick<Way, 'lost'>): readonly Step[] {
  if (verdict.kind === 'run') return stepsOfCourse(verdict, how);
  if (verdict.kind === 'blocked') return lost === null ? [] : stepsOfLost(verdict, lost);
  return verdict.kind === 'remove' ? stepsOfRemoval(verdict) : [];
}

function assemble(context: Context, changes: Change[], steps: Step[], verdicts: readonly Verdict[], problems: readonly Problem[]): Plan {
  const { input, world } = context;
  const { desired, inventory, mode } = input;
  const doing = stepsFor(mode, steps);
  const shown = changesFor(mode, changes, doing);
  return {
    formatVersion: '1.0',
    stack: desired.stack,
    file: desired.file,
    environment: desired.environment,
    mode,
    revision: desired.revision,
    baseline: baselineOf(inventory),
    basis: basisOf(context),
    targets: [...input.targets].sort(compareText),
    backends: plannedBackends(world),
    drift: verdicts.flatMap((verdict): readonly Drift[] => (verdict.kind === 'run' || verdict.kind === 'blocked' ? verdict.drift : [])),
    changes: shown,
    steps: doing,
    foreign: world.foreign,
    inert: desired.inert,
    ...(desired.inertModels?.length ? { inertModels: desired.inertModels } : {}),
    interrupted: inventory.pending,
    problems,
    summary: summarize(shown),
  };
}

function stepsFor(mode: Plan['mode'], steps: Step[]): Step[] {
  if (mode === 'refresh-only') return [];
  return mode === 'prefetch' ? steps.filter(isStaging) : steps;
}

/** Looking only: what would be done is no part of the answer, what could not be looked at is. Fetching ahead: of what needs nothing fetched, nothing is said. */
function changesFor(mode: Plan['mode'], changes: Change[], steps: readonly Step[]): Change[] {
  if (mode === 'refresh-only') return changes.filter(({ action }) => action === 'keep' || action === 'blocked');
  const staged = new Set(steps.map(({ model }) => model));
  return mode === 'prefetch' ? changes.filter(({ action, model }) => action === 'blocked' || staged.has(model)) : changes;
}

function baselineOf({ generation, appliedAt, endedBy }: Inventory): Plan['baseline'] {
  if (generation === null || appliedAt === null) return null;
  return { generation, at: appliedAt, ...(endedBy === undefined ? {} : { endedBy }) };
}

/** One verdict for each model that is considered, sorted by name. */
function judgeAll(context: Context, scope: Scope): Verdict[] {
  const declared = new Map(context.input.desired.models.map((model) => [model.name, model]));
  const verdicts: [string, Verdict][] = [
    ...scope.wanted.map((model): [string, Verdict] => [model.name, judge(context, model)]),
    ...scope.unwanted.map((name): [string, Verdict] => [name, judgeRemoval(context, name, declared.get(name) ?? null)]),
    ...scope.spared.map((name): [string, Verdict] => [name, spare(context, name)]),
  ];
  return verdicts.sort(([a], [b]) => compareText(a, b)).map(([, verdict]) => verdict);
}

function spare({ input, world }: Context, model: string): Spared {
  const backend = world.ours.get(model)?.[0]?.backend ?? input.inventory.models[model]?.backend ?? '';
  return {
    kind: 'spared',
    model,
    backend,
    ...intended('what it declares is not acted on yet, so it is left as it is', placeOf(input.desired, model)),
  };
}

function problemsOf(context: Context, scope: Scope, verdicts: readonly Verdict[], notes: readonly Problem[]): Problem[] {
  const { input, world, found } = context;
  const running = input.mode !== 'down' && input.mode !== 'destroy';
  const considered = new Set(scope.wanted.map(({ name }) => name));
  const ofCatalog = running ? [...found].filter(([name]) => name === '' || considered.has(name)).flatMap(ofStack) : [];
  const stuck = verdicts.filter((verdict): verdict is Blocked => verdict.kind === 'blocked');
  const refused = stuck.flatMap(({ problems }) => problems.filter(({ code }) => code === 'protected'));
  const shown = new Set(stuck.filter(({ problems }) => problems.some(({ code }) => code === 'backend-gone')).map(({ model }) => model));
  const gone = [...scope.unwanted, ...considered].sort(compareText).flatMap((name) => {
    const applied = input.inventory.models[name];
    return applied === undefined || world.specs.has(applied.backend) || shown.has(name) ? [] : [goneBackend(name, applied)];
  });
  const deletions = input.mode === 'prefetch' ? 0 : verdicts.filter(({ kind }) => kind === 'remove').length;
  const leftOut = scope.leftOut === 0 ? [] : [notConsidered(scope.leftOut)];
  const own = verdicts.flatMap((verdict) => (verdict.kind === 'run' ? verdict.notes : []));
  const guards = [...massDelete(context, scope, deletions), ...takeoverDelete(context, deletions)];
  return [...scope.problems, ...ofCatalog, ...refused, ...guards, ...gone, ...own, ...notes, ...leftOut];
}

/** An error of one model stands in the way of that model, and is told there. */
function ofStack([model, problems]: readonly [string, readonly Problem[]]): readonly Problem[] {
  return model === '' ? problems : problems.filter(({ severity }) => severity !== 'error');
}

function notConsidered(models: number): Problem {
  return {
    severity: 'info',
    code: 'not-considered',
    summary: `${count(models, 'other model')} of this stack ${models === 1 ? 'is' : 'are'} left out by --target.`,
  };
}
