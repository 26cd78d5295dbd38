import type { Backend, Driver, DriverContext } from '../domain/backend.ts';
import type { BackendSpec, Desired, InstanceSpec } from '../domain/desired.ts';
import type { Attached } from '../domain/kept.ts';
import { errorsIn, type Problem } from '../domain/problem.ts';
import type { StackPlace, Surroundings } from './surroundings.ts';
import { cacheDirOf, stateDirOf, stateHomeOf, type StackPaths } from './paths.ts';
import { readStack } from './read-stack.ts';

/** A stack whose file was read and found valid, with doors to its engines. */
export interface Session {
  readonly paths: StackPaths;
  /** The file's text, for the generation's record. */
  readonly text: string;
  readonly desired: Desired;
  /** Warnings; errors never get this far. */
  readonly warnings: readonly Problem[];
  readonly stateDir: string;
  readonly cacheDir: string;
  readonly backends: Readonly<Record<string, Backend>>;
  /** Of git, if whoever opened it knows it; else it is asked for. */
  readonly commit?: string;
  /** llmops.lock; null: there is none. Absent: the file beside llmops.yaml is read when it is needed. */
  readonly lock?: Uint8Array | null;
  /** SHA-256 (hex) of files that options name, by the path as written, taken instead of what lies there now: their content is kept. Absent: the disk is read. */
  readonly attached?: Attached;
  /** Models that are in force otherwise than `text` says, sorted. Absent: none. */
  readonly lagging?: readonly string[];
  /** By model: the fetched weights that it was applied with, where what is declared or locked now is not in force. Absent: none. */
  readonly recorded?: Readonly<Record<string, InstanceSpec['weights']>>;
}

/** The file is not valid; carries every problem at once. */
export class InvalidConfigError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(`${errorsIn(problems).length} problems`);
    this.name = 'InvalidConfigError';
    this.problems = problems;
  }
}

/** Reads and checks the stack that the flags name. Throws an {@link InvalidConfigError} or a ProblemError. */
export async function openSession(context: Surroundings, flags: StackPlace): Promise<Session> {
  const { paths, text, desired, problems } = await readStack(context, flags);
  if (!desired) throw new InvalidConfigError(problems);
  return {
    paths,
    text,
    desired,
    warnings: problems,
    stateDir: stateDirOf(context, flags, desired.stack),
    cacheDir: cacheDirOf(context),
    backends: await context.backends(),
  };
}

/** The stack with each backend as the models on it need it. */
export function desiredIn({ desired, backends }: Session): Desired {
  const suited = desired.backends.map((spec) => {
    const models = desired.models.filter(({ backend }) => backend === spec.name);
    return backends[spec.type]?.forModels?.(spec, models) ?? spec;
  });
  return { ...desired, backends: suited };
}

/** Connects a driver for every backend that this version acts on. Opens no connection yet. */
export function connectDrivers(session: Session, specs: readonly BackendSpec[], context: Surroundings): Readonly<Record<string, Driver>> {
  const surroundings: DriverContext = {
    stack: session.desired.stack,
    stateDir: session.stateDir,
    stateHome: stateHomeOf(context),
    cacheDir: session.cacheDir,
    baseDir: session.paths.baseDir,
    env: context.env,
    ...(context.brief && { brief: true }),
  };
  const drivers: Record<string, Driver> = Object.create(null) as Record<string, Driver>;
  for (const spec of specs) {
    const backend = session.backends[spec.type];
    if (backend) drivers[spec.name] = backend.connect(spec, surroundings);
  }
  return drivers;
}
