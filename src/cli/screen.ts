import type { CliContext, StackFlags } from './context.ts';
import { localClock } from './moment.ts';

/** Where a result is shown: how wide it is, whether it takes colour. */
export interface Screen {
  readonly color: boolean;
  /** Columns. 80 where nobody looks, so that files and pipes get the same bytes everywhere. */
  readonly width: number;
}

/**
 * Flag before `NO_COLOR` (set and not empty, https://no-color.org) before `FORCE_COLOR` before what the stream is.
 */
export function screenOf(stream: NodeJS.WriteStream, context: CliContext, flags: Pick<StackFlags, 'color'>): Screen {
  const width = stream.isTTY ? Math.max(40, stream.columns ?? 80) : 80;
  return { color: wantsColor(stream, context, flags), width };
}

/** The same for lines that scripts look for: broken on a terminal, and whole in a file or a pipe. */
export function lineScreenOf(stream: NodeJS.WriteStream, context: CliContext, flags: Pick<StackFlags, 'color'>): Screen {
  const { color, width } = screenOf(stream, context, flags);
  return { color, width: stream.isTTY ? width : Infinity };
}

/** Columns of a terminal; a file and a pipe keep their lines whole. */
export function lineWidthOf(stream: NodeJS.WriteStream): number {
  return stream.isTTY ? Math.max(40, stream.columns ?? 80) : Infinity;
}

/** Sentences of our own, with times as the clock here shows them, broken at spaces on a terminal. */
export async function say(stream: NodeJS.WriteStream, text: string): Promise<void> {
  const [{ wrapText }, { withClock }] = await Promise.all([import('../render/text/lines.ts'), import('../render/format/times.ts')]);
  const told = withClock(text, localClock);
  await print(stream, stream.isTTY ? wrapText(told, lineWidthOf(stream)) : told);
}

function wantsColor(stream: NodeJS.WriteStream, context: CliContext, flags: Pick<StackFlags, 'color'>): boolean {
  if (flags.color === false || context.env['NO_COLOR']) return false;
  const forced = context.env['FORCE_COLOR'];
  if (forced) return forced !== '0' && forced !== 'false';
  return Boolean(stream.isTTY) && context.env['TERM'] !== 'dumb';
}

/** Writes all of it, waiting while the reader is slow. A reader that left (`llmops plan | head`) is no error. */
export async function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
  if (stream.destroyed || text === '') return;
  const whole = text.endsWith('\n') ? text : `${text}\n`;
  // The callback comes in any case; after a first EPIPE neither `drain` nor `error` would.
  await new Promise<void>((resolve) => stream.write(whole, () => resolve()));
}

/** One JSON document, or one record of a stream, on a line of its own. */
export function printJson(stream: NodeJS.WriteStream, value: unknown): Promise<void> {
  return print(stream, JSON.stringify(value));
}

/** A word as a shell takes it: for commands that people copy from the screen. Control characters are written, never sent. */
export function shellWord(word: string): string {
  if (/^[\w./:@%+=,-]+$/.test(word)) return word;
  if (!CONTROL.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  return `$'${word.replace(/['\\]/g, '\\$&').replace(CONTROLS, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`;
}

const CONTROL = /[\u0000-\u001f\u007f]/;
const CONTROLS = /[\u0000-\u001f\u007f]/g;
