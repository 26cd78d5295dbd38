/**
 * Signals that come this soon after the first are the same keystroke, in milliseconds: npx passes a Ctrl-C on that the
 * terminal has already sent to the whole group. Source: @npmcli/run-script, lib/signal-manager.js.
 */
const ECHO_MS = 200;

/**
 * The first Ctrl-C or SIGTERM aborts `signal`, so that a verb ends by itself and in order; the second ends the program at
 * once. Verbs that have something to finish say so on the screen (see perform.ts).
 */
export function signals(process: NodeJS.Process): { readonly signal: AbortSignal; readonly exitCode: () => number | null } {
  const controller = new AbortController();
  let first: { readonly code: number; readonly at: number } | null = null;
  const codes = { SIGINT: 130, SIGTERM: 143 } as const;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const at = performance.now();
      if (first === null) {
        first = { code: codes[name], at };
        controller.abort();
      } else if (at - first.at >= ECHO_MS) process.exit(codes[name]);
    });
  }
  return { signal: controller.signal, exitCode: () => first?.code ?? null };
}
