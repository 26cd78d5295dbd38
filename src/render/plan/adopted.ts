import type { Change, Unmanaged } from '../../domain/plan.ts';
import type { Entry } from '../text/page.ts';
import { entry } from '../text/page.ts';
import { line, span } from '../text/lines.ts';

const MOST = 8;

/** Models that run as declared and that somebody else started, with what makes them ours. */
export function unmanagedEntries(changes: readonly Change[]): readonly Entry[] {
  const found = changes.flatMap((change) =>
    change.action === 'keep' && change.unmanaged ? [{ model: change.model, from: change.unmanaged }] : [],
  );
  if (found.length === 0) return [];
  const shown = found.slice(0, MOST).map(({ model, from }) => `${model} (${unmanagedWords(from)})`);
  const names = [...shown, ...(found.length > MOST ? [`and ${found.length - MOST} more`] : [])].join(', ');
  const what = found.length === 1 ? 'runs as declared and was' : 'run as declared and were';
  return [
    entry(
      line(
        span('Unmanaged: ', 'note'),
        `${names} ${what} not started by llmops. \`llmops apply --adopt\` takes ${found.length === 1 ? 'it' : 'them'} over without a restart.`,
      ),
      11,
    ),
  ];
}

/** "pid 4711 at http://127.0.0.1:8080", "qwen3:8b@0123456789ab". */
export function unmanagedWords({ instance, endpoint, pid }: Unmanaged): string {
  return pid === null ? instance : `pid ${pid}${endpoint === null ? '' : ` at ${endpoint}`}`;
}
