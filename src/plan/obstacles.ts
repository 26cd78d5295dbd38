import type { Desired, ModelSpec } from '../domain/desired.ts';
import { PORT_FIELD } from '../domain/fields.ts';
import type { AppliedModel, FailedTry, ObservedBackend, ObservedInstance } from '../domain/observed.ts';
import type { Place, Problem } from '../domain/problem.ts';
import { placeOf, type Wish } from './wish.ts';
import { clause } from '../domain/text.ts';

/** Why nothing is done about a model whose backend cannot be asked: silence is not emptiness. */
export function unseenBackend(model: string, name: string, seen: ObservedBackend | undefined, place: Place | null): Problem | null {
  if (seen?.status === 'reachable') return null;
  const said = seen === undefined ? 'nothing is known of it here' : clause(seen.problem.summary);
  return {
    severity: 'error',
    code: 'backend-unreachable',
    summary: `${model} is left as it is: backend ${name} cannot be looked at: ${said}.`,
    fix: (seen?.status === 'unreachable' ? seen.problem.fix : undefined) ?? `Bring backend ${name} up, then plan again.`,
    ...(place === null ? {} : { place }),
  };
}

/** A type of engine that this program has no traits for. */
export function unknownType(model: ModelSpec, type: string, place: Place | null): Problem {
  return {
    severity: 'error',
    code: 'backend-not-supported',
    summary: `${model.name} is left as it is: backends of type ${type} are not acted on by this version.`,
    ...(place === null ? {} : { place }),
  };
}

/** Weights that could not be resolved, and nobody says of this model why. */
export function missingArtifact(desired: Desired, model: ModelSpec): Problem {
  const place = placeOf(desired, model.name, 'source');
  return {
    severity: 'error',
    code: 'weights-not-resolved',
    summary: `${model.name} is left as it is: its weights ${model.source.written} could not be looked at.`,
    fix: 'See the other problems of this plan.',
    ...(place === null ? {} : { place }),
  };
}

/** A copy that is there and does not answer is not stopped on a guess: it may be working. */
export function unknownCopy(copy: ObservedInstance, model: string, severity: Problem['severity'], declared = true): Problem {
  const said = copy.problem === null ? 'it does not answer' : clause(copy.problem.summary);
  const pid = copy.process === null ? '' : ` (pid ${copy.process.pid})`;
  return {
    severity,
    code: 'copy-unknown',
    summary: `${copy.id}${pid} on ${copy.backend} is left as it is, because its state is not known: ${said}.`,
    fix: declared
      ? `Look at it with \`llmops logs ${model}\`; \`llmops apply --replace ${model}\` stops it and starts a new copy.`
      : `Look at it with \`llmops logs ${model}\`; \`llmops down --target ${model}\` stops it.`,
  };
}

/** Nothing can be started without the engine's program. What runs keeps running. */
export function absentEngine(model: string, backend: ObservedBackend): Problem | null {
  if (backend.status !== 'reachable' || backend.engine.status === 'present') return null;
  const { problem } = backend.engine;
  return { ...problem, severity: 'error', summary: `${model} cannot be started on ${backend.name}: ${clause(problem.summary)}.` };
}

/** A change that failed when it was tried: who may not judge whether it would work now leaves it. */
export function failedBefore(model: string, { generation }: FailedTry, place: Place | null): Problem {
  return {
    severity: 'error',
    code: 'failed-before',
    summary: `${model} is left as it is: exactly this was tried in generation ${generation} and failed, and is not tried again by itself.`,
    fix: `Change models.${model}, or try it again: llmops apply --target ${model}`,
    ...(place === null ? {} : { place }),
  };
}

/** A recorded model whose backend is neither declared nor looked at: it is remembered, not forgotten. */
export function goneBackend(model: string, applied: AppliedModel): Problem {
  return {
    severity: 'warning',
    code: 'backend-gone',
    summary: `${model} was last applied on backend ${applied.backend}, which is no longer declared: whether it still runs cannot be seen.`,
    fix: `Declare backend ${applied.backend} again and plan: llmops then takes ${model} down before it forgets it.`,
  };
}

/** A model that moves off a backend that cannot be looked at: its old copy may still run there. */
export function leftBehind(model: string, backend: string): Problem {
  return {
    severity: 'warning',
    code: 'left-behind',
    summary: `${model} moves off backend ${backend}, which cannot be looked at: an old copy may still run there.`,
    fix: `Keep backend ${backend} declared: the first plan that sees the copy stops it.`,
  };
}

/** A model that its owner protected is not deleted, whatever else was asked for. */
export function protectedModel(model: string, place: Place | null): Problem {
  return {
    severity: 'error',
    code: 'protected',
    summary: `${model} is protected, and this plan would delete it.`,
    fix: `Set \`protect: false\` on models.${model} and apply that first, if it shall really go.`,
    ...(place === null ? {} : { place }),
  };
}

/** A copy that has a port which a model is to start on, and why the plan does not end it. */
export interface PortHolder {
  readonly copy: ObservedInstance;
  /** `foreign`: not ours · `not-targeted`: left out by --target · `blocked`: nothing is done about its model · `kept`: it runs as declared. */
  readonly stays: 'foreign' | 'not-targeted' | 'blocked' | 'kept';
}

/** Somebody who stays holds the fixed port of a model that is to start: told before anything is stopped for it. */
export function takenPort(desired: Desired, { model, spec }: Wish, { copy, stays }: PortHolder): Problem {
  const port = String(spec.fields[PORT_FIELD]);
  const name = copy.model ?? copy.id;
  const pid = copy.process === null ? '' : ` (pid ${copy.process.pid})`;
  const place = placeOf(desired, model.name, PORT_FIELD);
  const [who, fix] = {
    foreign: ['which is not managed by this stack', 'Free that port'],
    'not-targeted': ['which --target leaves out', `Add \`--target ${name}\``],
    blocked: ['which is blocked itself', `See what blocks ${name}`],
    kept: ['which goes on running', `Move it to another port with \`llmops apply --replace ${name}\``],
  }[stays] as [string, string];
  return {
    severity: 'error',
    code: 'port-taken',
    summary: `${model.name} cannot get port ${port}: ${name}${pid}, ${who}, holds it.`,
    fix: `${fix}, or take \`options.port\` away so that llmops picks a free one.`,
    ...(place === null ? {} : { place }),
  };
}

/** A model that is not declared any more, beside a new one in its place that cannot be started: ending it would leave nothing. */
export function blockedSuccessor(model: string, successor: string, shared: string): Problem {
  return {
    severity: 'error',
    code: 'successor-blocked',
    summary: `${model} is left running: ${successor} ${shared} and is blocked, so this looks like a rename that cannot be finished.`,
    fix: `See what blocks ${successor}. If ${model} shall end all the same: \`llmops apply --target ${model}\`.`,
  };
}
