/**
 * The first Ctrl-C or SIGTERM aborts `signal`, so that a verb ends by itself and in order; the second ends the program at
 * once. Verbs that have something to finish say so on the screen (see carry-out.ts).
 */
export function signals(process: NodeJS.Process): { readonly signal: AbortSignal; readonly exitCode: () => number | null } {
  const controller = new AbortController();
  let code: number | null = null;
  const codes = { SIGINT: 130, SIGTERM: 143 } as const;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (code !== null) process.exit(codes[name]);
      code = codes[name];
      controller.abort();
    });
  }
  return { signal: controller.signal, exitCode: () => code };
}
