import type { Command } from './commands.ts';
import { simulate, type Ending } from './simulate.ts';

/** So many plays are worth a shorter story. */
const PLAYS = 80;

/** What went wrong, whenever, to whichever model and release. */
function kindOf({ problem }: Ending): string | null {
  return problem?.replace(/^[\d.]+ s: /, '').replace(/\b[0-9a-f]{12}\b|\b[a-d]\b|\d+/g, '_') ?? null;
}

/** Leaves out what can be left out, for as long as the same goes wrong. */
export async function shrink(seed: number, failed: Ending): Promise<Ending> {
  let best = failed;
  let plays = 0;
  for (let at = best.story.length - 1; at > 0 && plays < PLAYS; at -= 1) {
    const shorter = best.story.filter((_, other) => other !== at);
    const ending = await simulate(seed, shorter);
    plays += 1;
    if (kindOf(ending) === kindOf(failed)) best = ending;
  }
  return best;
}

/** A story, a line for each thing that happens. */
export function printed(story: readonly Command[]): string {
  return story.map((command) => `  ${JSON.stringify(command)}`).join(',\n');
}
