import type { StepResult } from '../domain/generation.ts';

/** What a run that did not do everything left a model in. */
export interface Fate {
  readonly model: string;
  /** True: nothing of it serves any more. */
  readonly down: boolean;
  /** One sentence for people. */
  readonly words: string;
  /** What to do first, if the failed step tells: the same file would fail the same way. */
  readonly fix: string | null;
}

/**
 * The models of which the old copy was taken away and whose new one was not handed to clients: down, or put back to what
 * served before. Of a model that is only taken down nothing is said: it was meant to go.
 */
export function fatesOf(steps: readonly StepResult[]): readonly Fate[] {
  return [...Map.groupBy(steps, ({ model }) => model)].flatMap(([model, own]) => fateOf(model, own) ?? []);
}

function fateOf(model: string, steps: readonly StepResult[]): Fate | null {
  const gone = steps.findIndex(({ op, status }) => status === 'done' && (op === 'stop' || op === 'withdraw'));
  const publish = steps.findIndex(({ op }) => op === 'publish');
  if (gone === -1 || publish < gone || steps[publish]?.status === 'done') return null;
  const failed = steps.find(({ status }) => status === 'failed');
  const fix = failed?.problem?.fix ?? null;
  const restored = steps.find((step) => step.restored !== undefined)?.restored;
  if (restored !== undefined) {
    const found = restored.unpublished === true ? ' Where clients find it could not be written down; `llmops apply` does that.' : '';
    return { model, down: false, words: `${model}: put back to what served before; the new one failed.${found}`, fix };
  }
  const why = failed?.problem?.summary ?? steps.find(({ because }) => because !== null)?.because ?? 'the run ended before';
  return { model, down: true, words: `${model} is DOWN: ${wordsOf(steps, failed)}: ${why}`, fix };
}

function wordsOf(steps: readonly StepResult[], failed: StepResult | undefined): string {
  const stopped = steps.some(({ op, status }) => op === 'stop' && status === 'done');
  const old = stopped ? 'its old copy was stopped' : 'clients are sent to its old copy no longer';
  const next =
    failed === undefined ? 'the new one did not come up' : failed.op === 'stop' ? 'that could not be stopped' : 'the new one failed';
  return `${old} and ${next}`;
}
