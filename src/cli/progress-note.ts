import type { ProgressNote } from '../stack/surroundings.ts';
import type { CliContext } from './context.ts';

/** Nothing is said of what takes less than this, in milliseconds. */
const SILENT_MS = 300;
/** Where nobody watches, one line in this many milliseconds. */
const EVERY_MS = 10_000;

/** A line on stderr that says what takes so long: redrawn on a terminal, and at most every 10 s elsewhere. */
export function progressNote(context: Pick<CliContext, 'stderr' | 'env'>): ProgressNote {
  const stream = context.stderr;
  const isScreen = stream.isTTY && context.env['TERM'] !== 'dumb';
  let shown = false;
  const begun = performance.now();
  let last = begun;
  return {
    show(text) {
      if (performance.now() - begun < SILENT_MS) return;
      if (isScreen) {
        stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}`);
        shown = true;
      } else if (performance.now() - last > EVERY_MS) {
        stream.write(`${text}\n`);
        last = performance.now();
      }
    },
    clear() {
      if (shown) stream.write('\r\u001b[K');
      shown = false;
    },
  };
}
