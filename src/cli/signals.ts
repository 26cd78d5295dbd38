/**
 * Signals that come this soon after the first are the same keystroke, in milliseconds: npx passes a Ctrl-C on that the
 * terminal has already sent to the whole group. Source: @npmcli/run-script, lib/signal-manager.js.
 */
const ECHO_MS = 200;
/** How long what a thread of this process still does may take once there is nothing else to do, in milliseconds. */
const THREADS_MS = 5000;
const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** How signals end this program. */
export interface Signals {
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** What to exit with because of that; null: none came. */
  readonly exitCode: () => number | null;
  /** Ends the program with `process.exitCode`, also if a thread of it hangs. */
  readonly leave: () => Promise<void>;
}

/**
 * The first Ctrl-C or SIGTERM aborts `signal`, so that a verb ends by itself and in order; the second ends the program at
 * once. Verbs that have something to finish say so on the screen (see perform.ts).
 */
export function signals(process: NodeJS.Process): Signals {
  const controller = new AbortController();
  let first: { readonly name: keyof typeof CODES; readonly at: number } | null = null;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const at = performance.now();
      if (first === null) {
        first = { name, at };
        controller.abort();
      } else if (at - first.at >= ECHO_MS) die(process, name);
    });
  }
  const leave = async (): Promise<void> => {
    if (await hasIdleThreads(process)) process.exit();
    die(process, first?.name ?? 'SIGKILL');
  };
  return { signal: controller.signal, exitCode: () => (first === null ? null : CODES[first.name]), leave };
}

/**
 * Ends the process as the kernel does it. `process.exit` waits for every thread that reads or writes a file, and on a disk in
 * the network that does not answer that is for ever. For process 1 of a container such a signal does nothing, so there that
 * has to do.
 */
function die(process: NodeJS.Process, name: keyof typeof CODES | 'SIGKILL'): void {
  process.emit('exit', name === 'SIGKILL' ? 137 : CODES[name]);
  process.removeAllListeners(name);
  process.kill(process.pid, name);
  process.exit(name === 'SIGKILL' ? 137 : CODES[name]);
}

/** False: some thread still reads or writes a file, after a while as well. */
async function hasIdleThreads(process: NodeJS.Process): Promise<boolean> {
  const isBusy = () => process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
  for (const until = performance.now() + THREADS_MS; isBusy() && performance.now() < until;)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return !isBusy();
}
