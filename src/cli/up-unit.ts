import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { serviceFile, type ServiceFacts, type ServiceKind } from '../render/service/index.ts';
import { cacheDirOf, stateHomeOf } from '../stack/paths.ts';
import type { Session } from '../stack/session.ts';
import type { CliContext, StackFlags } from './context.ts';
import { packageInfo } from './package-info.ts';
import { print } from './screen.ts';

/** What a unit is printed with. */
export interface UnitFlags extends StackFlags {
  readonly printUnit: ServiceKind;
  readonly system?: boolean;
}

/** A watchdog is fed every half of this, in seconds. */
const WATCHDOG_SECONDS = 60;
/** Variables that a person's shell sets and that change how llmops works. An address among them that may name a password is left out: a unit is read by all. */
const ADDRESSES: ReadonlySet<string> = new Set(['HF_ENDPOINT', 'HTTPS_PROXY']);
const CARRIED = ['LLMOPS_ENV', 'HF_ENDPOINT', 'HF_HOME', 'OLLAMA_MODELS', 'HTTPS_PROXY', 'NO_PROXY', 'CUDA_VISIBLE_DEVICES'];

/** `llmops up --print-unit`: a file with which a service manager runs this very daemon. Writes nothing. */
export async function printUnit(session: Session, context: CliContext, flags: UnitFlags): Promise<number> {
  await print(context.stdout, serviceFile(flags.printUnit, factsOf(session, context, flags)));
  return 0;
}

function factsOf({ paths, desired, stateDir }: Session, context: CliContext, flags: UnitFlags): ServiceFacts {
  const { env } = context;
  const { version, root } = packageInfo();
  const isOpen = (name: string, value: string) => !(ADDRESSES.has(name) && value.includes('@'));
  const carried = CARRIED.flatMap((name) => (env[name] && isOpen(name, env[name]) ? [[name, env[name]] as const] : []));
  return {
    stack: desired.stack,
    program: join(root, 'bin', 'llmops'),
    args: ['up', '-f', paths.file, ...(flags.env ? ['--env', flags.env] : []), ...(flags.stateDir ? ['--state-dir', stateDir] : [])],
    folder: paths.baseDir,
    user: userInfo().username,
    home: env['HOME'] || homedir(),
    stateHome: parent(stateHomeOf(context)),
    cacheHome: parent(cacheDirOf(context)),
    path: env['PATH'] || '/usr/local/bin:/usr/bin:/bin',
    env: Object.fromEntries(carried),
    scope: flags.system ? 'system' : 'user',
    watchdogSeconds: WATCHDOG_SECONDS,
    version,
  };
}

function parent(path: string): string {
  return join(path, '..');
}
