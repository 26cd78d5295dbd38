/** What may be shown after a piece of text: `stop` is the stop text that ended it, if any. */
interface Filtered {
  readonly text: string;
  readonly stop: string | null;
}

/** Text in pieces, up to the first stop text. */
export interface StopFilter {
  /** Text goes in, text that can no longer become part of a stop text comes out. Nothing after a stop comes out. */
  push(text: string): Filtered;
  /** What was held back, once no more text comes. */
  flush(): string;
}

/**
 * Ends text at the first of `stops`, also when one is spread over several pieces. As in the OpenAI API, the stop text
 * itself is not shown. Pure.
 */
export function createStopFilter(stops: readonly string[]): StopFilter {
  let held = '';
  return {
    push(text) {
      held += text;
      const found = earliest(held, stops);
      if (found) {
        const shown = held.slice(0, found.at);
        held = '';
        return { text: shown, stop: found.stop };
      }
      const keep = danger(held, stops);
      const shown = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return { text: shown, stop: null };
    },
    flush() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

function earliest(text: string, stops: readonly string[]): { readonly at: number; readonly stop: string } | null {
  let best: { at: number; stop: string } | null = null;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at >= 0 && (best === null || at < best.at)) best = { at, stop };
  }
  return best;
}

/** Length of the longest end of `text` that begins one of `stops`. */
function danger(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length -= 1) {
      if (text.endsWith(stop.slice(0, length))) longest = length;
    }
  }
  return longest;
}
