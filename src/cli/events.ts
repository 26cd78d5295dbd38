import { followEvents } from '../control/client.ts';
import { readEvents } from '../state/index.ts';
import type { CliContext, StackFlags } from './context.ts';
import { renderDaemonLine } from '../render/daemon-event.ts';
import { openSessionOrLast } from './last-applied.ts';
import { localClock } from './moment.ts';
import { noDaemon } from './reconcile.ts';
import { lineWidthOf, print, printJson } from './screen.ts';

export interface EventsFlags extends StackFlags {
  readonly follow?: boolean;
  readonly limit: number;
  readonly json?: boolean;
}

/** `llmops events`: what the daemon found and did, oldest first; with `-f` it goes on until Ctrl-C. */
export async function run(context: CliContext, flags: EventsFlags): Promise<number> {
  const { session } = await openSessionOrLast(context, flags);
  const show = async (event: object): Promise<void> => {
    if (flags.json) await printJson(context.stdout, event);
    else await print(context.stdout, lineOf(event, lineWidthOf(context.stdout)));
  };
  if (flags.json) await printJson(context.stdout, { type: 'version', format: '1.0' });
  if (!flags.follow) {
    for (const event of await newest(session.stateDir, flags)) await show(event);
    return 0;
  }
  const events = followEvents(session.stateDir, flags.limit, context.signal);
  try {
    for await (const event of events) await show(event);
  } catch (error) {
    if (isAbsent(error)) throw noDaemon();
    throw error;
  }
  if (!context.signal.aborted) await print(context.stderr, 'The daemon has ended.\n');
  return context.signalExitCode() ?? 0;
}

/** As many as were asked for, of those that are shown. */
async function newest(stateDir: string, { json, limit }: EventsFlags): Promise<readonly object[]> {
  if (json) return readEvents(stateDir, limit);
  const all = await readEvents(stateDir, Infinity);
  return all.filter((event) => lineOf(event) !== '').slice(-limit);
}

function lineOf(event: object, width?: number): string {
  return renderDaemonLine(event as Parameters<typeof renderDaemonLine>[0], localClock, width);
}

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}
