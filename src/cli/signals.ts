/**
 * The first Ctrl-C or SIGTERM aborts `signal`, so that the step in flight is finished or abandoned, journaled, and the
 * program ends by itself; the second ends it at once.
 */
export function signals(process: NodeJS.Process): { readonly signal: AbortSignal; readonly exitCode: () => number | null } {
  const controller = new AbortController();
  let code: number | null = null;
  const codes = { SIGINT: 130, SIGTERM: 143 } as const;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (code !== null) process.exit(codes[name]);
      code = codes[name];
      process.stderr.write('\nStopping: the step in flight is finished or abandoned, then llmops ends. Once more to end at once.\n');
      controller.abort();
    });
  }
  return { signal: controller.signal, exitCode: () => code };
}
