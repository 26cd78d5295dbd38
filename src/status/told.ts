import type { Generation } from '../domain/generation.ts';
import type { ModelStatus, Status } from '../domain/status.ts';
import { APPLY } from './model.ts';

/** Counts declared models that this version does not act on: they are declared, and they do not run. `names`: those among them that are told of. */
export function withInert(status: Status, names: readonly string[]): Status {
  if (names.length === 0) return status;
  const known = new Set(status.models.map((model) => model.name));
  const models = [...status.models, ...names.filter((name) => !known.has(name)).map(inertModel)];
  const { declared } = status.summary;
  return {
    ...status,
    models: models.sort((a, b) => (a.name < b.name ? -1 : 1)),
    summary: { ...status.summary, declared: declared + names.length },
  };
}

function inertModel(name: string): ModelStatus {
  const why = 'it is declared in a way that this version does not act on';
  const nothing = { instance: null, endpoint: null, startedAt: null, memoryBytes: null, activeRequests: null, generation: null };
  const conditions = [{ type: 'Ready', status: 'False', reason: 'Inert', message: why }] as const;
  return {
    ...nothing,
    name,
    backend: '',
    state: 'blocked',
    phase: 'absent',
    copies: [],
    published: false,
    settings: [],
    why,
    fix: 'llmops plan',
    conditions,
  };
}

const CALLS_FOR_A_CAUSE: ReadonlySet<ModelStatus['state']> = new Set(['absent', 'failed', 'outdated']);

/** Adds what failed in the last run that touched a model that is not as it should be. `generations`: newest first. */
export function withLastFailures(status: Status, generations: readonly Generation[]): Status {
  return { ...status, models: status.models.map((model) => withLastFailure(model, generations)) };
}

function withLastFailure(model: ModelStatus, generations: readonly Generation[]): ModelStatus {
  if (!CALLS_FOR_A_CAUSE.has(model.state)) return model;
  const ofModel = (one: Generation) => one.steps.filter((step) => step.model === model.name);
  const last = generations.find((one) => ofModel(one).length > 0);
  const problem = last === undefined ? undefined : ofModel(last).find((step) => step.status === 'failed')?.problem;
  if (last === undefined || !problem || model.why?.includes(problem.summary)) return model;
  const failed = `generation ${last.number}: ${problem.code}: ${problem.summary}`;
  // Whoever keeps the stack may have said what to do before anything is tried again.
  const isNext = model.fix === null || model.fix === APPLY || model.fix.startsWith('see ');
  return { ...model, why: model.why === null ? failed : `${model.why}; ${failed}`, fix: (isNext ? problem.fix : undefined) ?? model.fix };
}
