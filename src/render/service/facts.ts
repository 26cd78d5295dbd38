import { ProblemError } from '../../domain/problem.ts';

/** Which service manager is to run the daemon. */
export const SERVICE_KINDS = ['systemd', 'launchd', 'container'] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];

/** What a service file has to know. All paths are absolute. */
export interface ServiceFacts {
  /** Name of the stack. */
  readonly stack: string;
  /** The launcher of llmops. */
  readonly program: string;
  /** What it is called with, folders of the stack included: `['up', '-C', '/srv/models']`. */
  readonly args: readonly string[];
  /** Folder of llmops.yaml. */
  readonly folder: string;
  /** Where a person of this name is at home; the state and the weights are that person's. */
  readonly user: string;
  readonly home: string;
  /** XDG_STATE_HOME and XDG_CACHE_HOME: a service manager does not have those of a person's shell. */
  readonly stateHome: string;
  readonly cacheHome: string;
  /** PATH, so that the daemon finds the engines that the person finds. */
  readonly path: string;
  /** Further variables. Never a secret: the file is read by everybody. */
  readonly env: Readonly<Record<string, string>>;
  /** systemd: a unit of the person (`systemctl --user`), or one of the machine. */
  readonly scope: 'user' | 'system';
  /** systemd: after how many seconds without a sign of life the daemon is started anew; null: it gives none. */
  readonly watchdogSeconds: number | null;
  /** Version of llmops, for a container. */
  readonly version: string;
}

/** Name of the service, the same for every manager. */
export function serviceName({ stack }: ServiceFacts): string {
  return `llmops-${stack}`;
}

/** All variables that the daemon needs. */
export function variablesOf(facts: ServiceFacts): readonly (readonly [string, string])[] {
  const own = { PATH: facts.path, XDG_STATE_HOME: facts.stateHome, XDG_CACHE_HOME: facts.cacheHome };
  return Object.entries({ ...facts.env, ...own });
}

/** Throws a ProblemError for what no service file can hold: a line break in a path could add a line of somebody's choice. */
export function refuseUnwritable(facts: ServiceFacts): void {
  const texts = [facts.stack, facts.program, ...facts.args, facts.folder, facts.user, facts.home, ...variablesOf(facts).flat()];
  const bad = texts.find((text) => /[\u0000-\u001f\u007f\ufffe\uffff]|\p{Surrogate}/u.test(text));
  if (bad === undefined) return;
  throw new ProblemError({
    code: 'service-unwritable',
    summary: `A service file cannot hold ${JSON.stringify(bad)}: it has control characters in it.`,
    fix: 'Rename the folder, or set the variable to something else.',
  });
}
