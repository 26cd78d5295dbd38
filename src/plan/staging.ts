import { heldKey, type Unpullable } from '../domain/observed.ts';
import type { Step, StepAct } from '../domain/plan.ts';
import { isOpen, type RemoteFile } from '../domain/weights.ts';
import { stepId } from './leaving.ts';
import type { Context } from './sight.ts';
import type { Course } from './verdict.ts';

/** What brings one model's weights to where it runs. Nothing of it touches what serves. */
export interface Staging {
  /** Its own steps, in their order. */
  readonly steps: readonly Step[];
  /** What the start of the model waits for: its own steps, or those of another model with the same weights. */
  readonly after: readonly string[];
  /** Bytes that must still come over the network, and those that an earlier run has brought already. */
  readonly downloadBytes: number;
  readonly partialBytes: number;
}

const NOTHING: Staging = { steps: [], after: [], downloadBytes: 0, partialBytes: 0 };

/** A connection of 100 kB/s is slow and works; each wait inside a download has a much shorter deadline of its own. */
const SLOW_LINE_BYTES_PER_MS = 100;
const STAGE_MS = 600_000;

/**
 * The steps that bring weights to where they are needed, by model. Two models with the same weights share them: the first,
 * by name, fetches, and the second waits for it.
 */
export function stageWeights(context: Context, courses: readonly Course[]): ReadonlyMap<string, Staging> {
  const owners = new Map<string, Step>();
  return new Map(
    courses
      .filter(({ need }) => need === 'start' || need === 'restart')
      .map((course) => [course.wish.model.name, stagingOf(context, course, owners)]),
  );
}

function stagingOf(context: Context, course: Course, owners: Map<string, Step>): Staging {
  const { artifact, spec, traits } = course.wish;
  const { remote } = artifact;
  const stage = new Stage(course, owners);
  const pulls = traits.pulls !== undefined;
  if (pulls && holds(context, course)) return NOTHING;
  const mayPull = remote !== undefined && isOpen(remote.origin) && (traits.pulls?.includes(remote.origin.kind) ?? false);
  const unpullable = mayPull ? unpullableOf(context, course) : undefined;
  const direct = mayPull && unpullable === undefined;
  const fetches = remote !== undefined && !remote.ready && !direct && unpullable?.hasFiles !== true;
  if (fetches) {
    stage.add(`files ${artifact.sha256}`, 'fetch', { op: 'fetch', origin: remote.origin, files: remote.files }, sum(remote.missing));
  }
  if (pulls) stage.add(`${spec.backend} ${heldKey(spec.weights)}`, 'pull', { op: 'pull', weights: spec.weights }, artifact.bytes);
  const missing = direct ? artifact.bytes : sum(fetches ? remote.missing : []);
  const { steps, after } = stage;
  if (steps.length === 0) return { ...NOTHING, after };
  return { steps, after, downloadBytes: missing, partialBytes: fetches ? remote.partialBytes : 0 };
}

/** The engine's own store has these weights. */
function holds({ world }: Context, { wish }: Course): boolean {
  const backend = world.backends.get(wish.spec.backend);
  return backend?.status === 'reachable' && (backend.held ?? []).includes(heldKey(wish.spec.weights));
}

/** Why the engine cannot fetch these weights itself; undefined: it can, as far as is known. */
function unpullableOf({ world }: Context, { wish }: Course): Unpullable | undefined {
  const backend = world.backends.get(wish.spec.backend);
  const found = backend?.status === 'reachable' ? (backend.unpullable ?? []) : [];
  return found.find(({ key }) => key === heldKey(wish.spec.weights));
}

function sum(files: readonly RemoteFile[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}

/** Collects the steps of one model, but for those that another model of the plan has already. */
class Stage {
  readonly steps: Step[] = [];
  after: readonly string[] = [];
  readonly #course: Course;
  readonly #owners: Map<string, Step>;

  constructor(course: Course, owners: Map<string, Step>) {
    this.#course = course;
    this.#owners = owners;
  }

  add(key: string, name: string, act: Extract<StepAct, { op: 'fetch' | 'pull' }>, bytes: number): void {
    const owner = this.#owners.get(key);
    if (owner === undefined) this.#own(key, name, act, bytes);
    else this.after = [owner.id];
  }

  #own(key: string, name: string, act: Extract<StepAct, { op: 'fetch' | 'pull' }>, bytes: number): void {
    const { model, spec } = this.#course.wish;
    const step: Step = {
      ...act,
      id: stepId(model.name, name),
      after: this.after,
      model: model.name,
      backend: spec.backend,
      instance: spec.id,
      cause: act.op === 'fetch' ? 'its weights are not on this machine yet' : 'the engine does not hold its weights yet',
      relies: [],
      leaves: [],
      deadlineMs: STAGE_MS + Math.ceil(bytes / SLOW_LINE_BYTES_PER_MS),
    };
    this.#owners.set(key, step);
    this.steps.push(step);
    this.after = [step.id];
  }
}
