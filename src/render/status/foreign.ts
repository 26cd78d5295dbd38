import type { Foreign } from '../../domain/plan.ts';
import { foreignEntries } from '../plan/notes.ts';
import type { Entry } from '../text/page.ts';
import { entry } from '../text/page.ts';
import { line, span } from '../text/lines.ts';

/** What runs and is not ours. `wide`: also each by model, address and identity, which has the pid. */
export function strangerEntries(foreign: readonly Foreign[], wide: boolean): readonly Entry[] {
  const rows = (wide ? foreign : []).map(({ id, model, endpoint }) => {
    const facts = [model ?? 'no name', endpoint ?? 'no address', id];
    return entry(line(span(`  · ${facts.join('   ')}`, 'quiet')), 4);
  });
  return [...foreignEntries(foreign), ...rows];
}
