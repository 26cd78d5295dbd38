import type { Problem } from '../../domain/problem.ts';
import type { Plan } from '../../domain/plan.ts';
import { blockingProblems, canApply, hasChanges } from '../../domain/plan.ts';
import { counted } from '../format/units.ts';
import { value, valuePair } from '../format/values.ts';
import type { Entry, Looks } from '../text/page.ts';
import { BLANK, entry, printPage } from '../text/page.ts';
import { line, span, whole } from '../text/lines.ts';
import type { BlockContext } from './block.ts';
import { blockEntries } from './block.ts';
import { footerEntries, problemEntries } from './footer.ts';
import { headerEntries } from './header.ts';
import type { Listed } from './kinds.ts';
import { actionWords, isListed, kindOf, kindsIn } from './kinds.ts';
import { unmanagedEntries, unmanagedWords } from './adopted.ts';
import { driftEntries, foreignEntries, inertEntries, interruptedEntries, unverifiedEntries } from './notes.ts';
import { orderEntries } from './order.ts';

/** How a plan is to look. */
export interface PlanLooks extends Looks {
  /** ISO 8601; ages are shown relative to it. Without it the text depends on the plan alone. */
  readonly now?: string | null;
  /** One row per changed model. Default: when more than 50 change. */
  readonly concise?: boolean;
}

const CONCISE_ABOVE = 50;

/** The plan for people. The same plan and looks give the same bytes; no line is wider than `width` if its words allow. */
export function renderPlanText(plan: Plan, looks: PlanLooks): string {
  const listed = plan.changes.filter(isListed);
  const entries = [
    ...headerEntries(plan, looks.now ?? null),
    ...interruptedEntries(plan),
    ...driftEntries(plan),
    ...changeEntries(plan, listed, looks),
    ...endingEntries(plan),
  ];
  return printPage(entries, looks);
}

function changeEntries(plan: Plan, listed: readonly Listed[], looks: PlanLooks): readonly Entry[] {
  if (listed.length === 0) return [];
  const concise = looks.concise ?? listed.length > CONCISE_ABOVE;
  const types = new Map(plan.backends.map(({ spec }) => [spec.name, spec.type]));
  const context: BlockContext = { mode: plan.mode, types, now: looks.now ?? null };
  const rows = concise
    ? [...listed.map((change) => conciseEntry(change, context)), BLANK]
    : listed.flatMap((change) => blockEntries(change, context));
  return [...legend(plan, listed), BLANK, ...rows];
}

function legend(plan: Plan, listed: readonly Listed[]): readonly Entry[] {
  if (plan.mode === 'prefetch' && canApply(plan))
    return [entry(line('llmops will fetch the weights for these changes ahead, and make none of them:'))];
  const would = canApply(plan)
    ? 'llmops will perform these actions:'
    : hasChanges(plan)
      ? 'llmops would perform these actions:'
      : 'Nothing can be done about these:';
  const parts = kindsIn(listed, plan.mode).flatMap((kind) => ['   ', whole(`${kind.symbol} `, kind.tone), whole(kind.meaning)]);
  return [entry(line(would)), entry(line(...parts), 3)];
}

function conciseEntry(change: Listed, context: BlockContext): Entry {
  const kind = kindOf(change, context.mode);
  const head = line('  ', span(kind.symbol.padEnd(3), kind.tone), ' ', span(`model.${change.model}`, 'strong'), ` on ${change.backend}: `);
  return entry([...head, ...line(span(actionWords(change, context.mode), kind.tone), conciseDetail(change))], 8);
}

function conciseDetail(change: Listed): string {
  const failed = change.failedBefore === undefined ? '' : `; exactly this failed in generation ${change.failedBefore.generation}`;
  return `${conciseSettings(change)}${failed}`;
}

function conciseSettings(change: Listed): string {
  if (change.action === 'blocked') return `: ${change.problem.summary}`;
  if (change.action === 'delete') return '';
  if (change.action === 'adopt') return `; ${unmanagedWords(change.from)}`;
  const shown = change.fields.filter((field) => field.to !== null || field.from !== null).slice(0, 4);
  const words = shown.map((field) => {
    if (change.action === 'create') return `${field.field} ${value(field.field, field.to)}`;
    return `${field.field} ${valuePair(field.field, field.from, field.to).join(' → ')}`;
  });
  const left = change.fields.length - shown.length;
  const more = left > 0 ? [`${counted(left, 'more setting', 'more settings')}`] : [];
  return words.length + more.length === 0 ? '' : `; ${[...words, ...more].join(', ')}`;
}

function endingEntries(plan: Plan): readonly Entry[] {
  const order = hasChanges(plan) ? orderEntries(plan) : [];
  const asides = [...unmanagedEntries(plan.changes), ...foreignEntries(notShownAsModels(plan)), ...unverifiedEntries(plan)];
  return [
    ...(asides.length > 0 ? [...asides, BLANK] : []),
    ...inertEntries(plan.inert),
    ...problemEntries(notShownAbove(plan)),
    ...(order.length > 0 ? [...order, BLANK] : []),
    ...footerEntries(plan),
  ];
}

/** Somebody else's copies that no line about a model speaks of already. */
function notShownAsModels({ foreign, changes }: Plan): Plan['foreign'] {
  const shown = new Set(
    changes.flatMap((change) =>
      change.action === 'adopt' ? [change.from.instance] : change.action === 'keep' ? (change.unmanaged?.instance ?? []) : [],
    ),
  );
  return foreign.filter(({ id }) => !shown.has(id));
}

/** Problems that no blocked model shows in its own block already. */
function notShownAbove(plan: Plan): readonly Problem[] {
  const shown = new Set(blockingProblems(plan.changes).map(({ code, summary }) => `${code} ${summary}`));
  return plan.problems.filter((problem) => !shown.has(`${problem.code} ${problem.summary}`));
}
