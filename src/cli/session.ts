import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Backend, Driver, DriverContext } from '../domain/backend.ts';
import type { BackendSpec, Desired } from '../domain/desired.ts';
import { ProblemError, errorsIn, type Problem } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { cacheDirOf, stackPaths, stateDirOf, type StackPaths } from './paths.ts';

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

/** SHA-256, hex: the hash that pure stages are handed. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Reads and checks the stack that the flags name. Throws an {@link InvalidConfigError} or a ProblemError. */
export async function openSession(context: CliContext, flags: StackFlags): Promise<Session> {
  const paths = stackPaths(context, flags);
  const bytes = await readStackFile(paths);
  const { readConfig } = await import('../config/index.ts');
  const environment = flags.env ?? context.env['LLMOPS_ENV'] ?? null;
  const { desired, problems } = readConfig({ file: paths.shown, bytes, folderName: basename(paths.baseDir), environment, hash: sha256 });
  if (!desired) throw new InvalidConfigError(problems);
  return {
    paths,
    text: new TextDecoder().decode(bytes),
    desired,
    warnings: problems,
    stateDir: stateDirOf(context, flags, desired.stack),
    cacheDir: cacheDirOf(context),
    backends: await context.backends(),
  };
}

/** Reads llmops.yaml; a missing one gets the answer a newcomer needs. */
export async function readStackFile(paths: StackPaths): Promise<Uint8Array> {
  try {
    if ((await stat(paths.file)).isDirectory()) {
      throw new ProblemError({ code: 'no-stack-file', summary: `${paths.shown} is a folder, not a file.`, fix: 'Use -C to work in a folder, -f to name a file.' });
    }
    return await readFile(paths.file);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') {
      throw new ProblemError({
        code: 'no-stack-file',
        summary: `There is no ${paths.shown} here.`,
        fix: 'Type `llmops init` to write a first one, or use -C FOLDER or -f FILE to say where it is.',
      });
    }
    throw new ProblemError({ code: 'unreadable-stack-file', summary: `${paths.shown} cannot be read: ${code ?? String(error)}.`, fix: 'Mend its permissions, or name another file with -f.' }, error);
  }
}

/** Connects a driver for every backend that this version acts on. Opens no connection yet. */
export function connectDrivers(session: Session, specs: readonly BackendSpec[], context: CliContext): Readonly<Record<string, Driver>> {
  const surroundings: DriverContext = {
    stack: session.desired.stack,
    stateDir: session.stateDir,
    cacheDir: session.cacheDir,
    baseDir: session.paths.baseDir,
    env: context.env,
  };
  const drivers: Record<string, Driver> = Object.create(null) as Record<string, Driver>;
  for (const spec of specs) {
    const backend = session.backends[spec.type];
    if (backend) drivers[spec.name] = backend.connect(spec, surroundings);
  }
  return drivers;
}
