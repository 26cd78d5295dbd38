import type { ServiceKind } from '../render/service/index.ts';
import type { CliContext, StackFlags } from './context.ts';
import { renderDaemonLine } from '../render/daemon-event.ts';
import { unhurriedLines } from './backlog.ts';
import { EXIT } from './exit.ts';
import { openSessionOrLast } from './last-applied.ts';
import { localClock } from './moment.ts';
import { lineWidthOf } from './screen.ts';

export interface UpFlags extends StackFlags {
  readonly json?: boolean;
  readonly parallelism: number;
  readonly probe?: number;
  readonly printUnit?: ServiceKind;
  readonly system?: boolean;
  readonly guard?: boolean;
}

/**
 * `llmops up`: keeps the stack as its file says, in the foreground, until Ctrl-C or SIGTERM. Engines go on running then. Told to
 * end by a service manager it ends well: 0.
 */
export async function run(context: CliContext, flags: UpFlags): Promise<number> {
  const { session } = await openSessionOrLast(context, flags);
  const { printUnit } = flags;
  if (printUnit !== undefined) return (await import('./up-unit.ts')).printUnit(session, context, { ...flags, printUnit });
  const { keepStackClaim, refuseTakenStack } = await import('../state/index.ts');
  await refuseTakenStack(session.stateDir, session.paths.file);
  if (!flags.guard) await keepStackClaim(session.stateDir, session.paths.file).catch(() => undefined); // a full disk keeps nobody from being looked after
  const [{ runDaemon }, { guard, startGuard }, { sourceFor }, { notifySystemd }, { keepTold }] = await Promise.all([
    import('../daemon/index.ts'),
    import('../daemon/guard.ts'),
    import('./up-source.ts'),
    import('../daemon/service/notify.ts'),
    import('./up-manager.ts'),
  ]);
  const manager = notifySystemd(context.env);
  const options = {
    context: { ...context, env: withoutManager(context.env), note: () => SILENT },
    place: flags,
    stack: session.desired.stack,
    stateDir: session.stateDir,
    baseDir: session.paths.baseDir,
    parallelism: flags.parallelism,
    declared: session.desired.daemon ?? null,
    ...(flags.probe !== undefined && { probeMs: flags.probe }),
  };
  if (flags.guard) {
    await guard({ ...options, onBake: () => undefined, hear: () => undefined });
    return EXIT.ok;
  }
  const guarding = ['-f', session.paths.file, '--state-dir', session.stateDir, ...(flags.env ? ['--env', flags.env] : [])];
  const record = (one: object): string => `${JSON.stringify(one)}\n`;
  const write = unhurriedLines(context.stdout, flags.json ? (lines) => record({ type: 'missed', lines }) : leftOut);
  if (flags.json) write(record({ type: 'version', format: '1.0' }));
  let isApplying = (): boolean => false;
  let stopTelling = (): void => undefined;
  let lastWord = Promise.resolve();
  const stopping = () => {
    lastWord = manager.stopping('It ends. The engines go on running.');
    if (isApplying()) context.stderr.write(STOPPING);
  };
  context.signal.addEventListener('abort', stopping, { once: true });
  try {
    await runDaemon({
      ...options,
      onBake: () => startGuard(guarding, options.context.env),
      source: await sourceFor(session, context),
      webhook: session.desired.daemon?.webhook ?? null,
      hear: flags.json
        ? (event) => write(record(event))
        : (event) => write(renderDaemonLine(event, localClock, lineWidthOf(context.stdout))),
      ready: (picture) => {
        isApplying = () => picture().conditions.some(({ reason }) => reason === 'Applying'); // its phase is `stopping` by then
        stopTelling = keepTold(manager, picture);
      },
    });
  } finally {
    stopTelling();
    await lastWord; // a message is carried by a child of this process, which would end with it
  }
  return context.signalExitCode() === SIGTERM ? EXIT.ok : (context.signalExitCode() ?? EXIT.ok);
}

/** An engine that had these could speak to the service manager, or to the git server, in our name. */
function withoutManager(env: CliContext['env']): CliContext['env'] {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(NOTIFY_SOCKET|WATCHDOG_(USEC|PID)|LISTEN_(FDS|PID|FDNAMES)|LLMOPS_GIT_TOKEN)$/.test(name)),
  );
}

const STOPPING =
  'Stopping: a model between its old copy and its new one is brought to its end first, or its clients are sent back. A second signal ends at once.\n';
const leftOut = (lines: number): string => `${lines} lines are left out here, as nobody read them: llmops events\n`;
const SIGTERM = 143;
const SILENT = { show: () => undefined, clear: () => undefined };
