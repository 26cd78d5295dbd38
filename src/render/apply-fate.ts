import type { StepResult } from '../domain/generation.ts';

/** What a run that did not do everything left a model in. */
export interface Fate {
  readonly model: string;
  /** True: nothing of it serves any more. */
  readonly down: boolean;
  /** One sentence for people. */
  readonly words: string;
}

/**
 * The models of which the old copy was taken away and whose new one was not handed to clients: down, or given back to what
 * served before. Of a model that is only taken down nothing is said: it was meant to go.
 */
export function fatesOf(steps: readonly StepResult[]): readonly Fate[] {
  return [...Map.groupBy(steps, ({ model }) => model)].flatMap(([model, own]) => fateOf(model, own) ?? []);
}

function fateOf(model: string, steps: readonly StepResult[]): Fate | null {
  const failed = steps.find(({ status }) => status === 'failed');
  const back = steps.find(({ restored }) => restored !== undefined);
  if (back !== undefined) return { model, down: false, words: `${model}: ${backWords(back)}` };
  const gone = steps.findIndex(({ op, status }) => status === 'done' && (op === 'stop' || op === 'withdraw'));
  const publish = steps.findIndex(({ op }) => op === 'publish');
  if (gone === -1 || publish < gone || steps[publish]?.status === 'done') return null;
  const why = failed?.problem?.summary ?? steps.find(({ because }) => because !== null)?.because ?? 'the run ended before';
  return { model, down: true, words: `${model} is DOWN: ${wordsOf(steps, failed)}: ${why}` };
}

function backWords({ op, status, restored }: StepResult): string {
  if (op === 'drain' || op === 'stop') return 'its old copy goes on serving, and clients are sent to it again.';
  const found = restored?.unpublished === true ? ' Where clients find it could not be written down; `llmops apply` does that.' : '';
  return `put back to what served before; the new one ${status === 'failed' ? 'failed' : 'was not started'}.${found}`;
}

/** How far it got, by what was really done. */
function wordsOf(steps: readonly StepResult[], failed: StepResult | undefined): string {
  const did = (wanted: StepResult['op']) => steps.some(({ op, status }) => op === wanted && status === 'done');
  const old = did('stop') ? 'its old copy was stopped' : 'clients are sent to its old copy no longer';
  if (failed?.op === 'stop') return `${old} and that could not be stopped`;
  if (did('probe')) return `${old}, the new one answers, and clients are not sent to it`;
  if (failed !== undefined) return did('stop') ? `${old} and the new one failed` : old;
  return did('start') ? `${old} and the new one was left loading` : `${old} and the new one was not started`;
}
