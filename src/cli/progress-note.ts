import type { CliContext } from './context.ts';

/** A line on stderr that says what takes so long: redrawn on a terminal, and at most every 10 s elsewhere. */
export function progressNote(context: CliContext): { show(text: string): void; clear(): void } {
  const stream = context.stderr;
  let shown = 0;
  let last = 0;
  return {
    show(text) {
      const now = performance.now();
      if (stream.isTTY) {
        stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}`);
        shown = text.length;
      } else if (now - last > 10_000 && last > 0) {
        stream.write(`${text}\n`);
        last = now;
      } else last ||= now;
    },
    clear() {
      if (shown > 0) stream.write('\r\u001b[K');
      shown = 0;
    },
  };
}
