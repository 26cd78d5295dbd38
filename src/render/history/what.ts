import type { Generation } from '../../domain/generation.ts';
import type { Drift } from '../../domain/plan.ts';
import { cutWords } from '../cut.ts';
import { counted } from '../format/units.ts';
import { valuePair } from '../format/values.ts';
import type { Listed } from '../plan/kinds.ts';
import { isListed, kindOf } from '../plan/kinds.ts';
import type { Span } from '../text/lines.ts';
import { span } from '../text/lines.ts';
import { clause } from '../../domain/text.ts';

/** A row in a table is no plan: `llmops show N` has the rest. */
const MOST_CHANGES = 6;
const MOST_FIELDS = 4;
const MOST_FAILURES = 3;

/** What a generation did, model by model, and why; then what failed in it. One line of words each. */
export function whatWords(one: Generation): readonly (readonly (string | Span)[])[] {
  const changes = one.changes.filter(isListed);
  const said = changes.slice(0, MOST_CHANGES).map((change) => changeWords(change, one));
  const rest = changes.length > MOST_CHANGES ? [`and ${counted(changes.length - MOST_CHANGES, 'other model')}`] : [];
  const did = said.length === 0 ? 'records only' : [...said, ...rest].join('; ');
  const cut = cutWords(one.steps);
  return [[`${byWords(one)}${did}${cut === null ? '' : `; ${cut}`}`], ...failures(one)];
}

/** What did it, where that says more than the row does. */
function byWords(one: Generation): string {
  const { mode, command } = one;
  const back = backWords(one);
  if (back !== null) return `${back}: `;
  if (command === undefined || command === `llmops ${mode}`) return mode === 'apply' ? '' : `${mode}: `;
  return `${command.replace(/^llmops /, '')}${afterWords(one)}: `;
}

/** What made it act, unless that is what is declared. */
export function afterWords({ trigger, wayBack }: Generation): string {
  if (trigger === 'crash') return ', after a crash';
  if (trigger === 'rollback') return wayBack === undefined ? '' : `, held at generation ${wayBack.to}`;
  return trigger === 'drift' ? ', as settings had moved' : '';
}

/** False also of what was put right while the stack was held at what it had gone back to. */
function isWayBack({ trigger, changes }: Generation): boolean {
  const isMending = changes.length > 0 && changes.every(({ correctsDrift, action }) => correctsDrift || action === 'blocked');
  return trigger === 'rollback' && !isMending;
}

/** `rolled back to 17 by alice@lab (answers in French)`; null: it was no way back. */
export function backWords(one: Generation): string | null {
  const { wayBack, who } = one;
  if (!isWayBack(one)) return null;
  if (wayBack === undefined) return `rolled back by ${who}`;
  return `rolled back to ${wayBack.to} by ${wayBack.by}${wayBack.why === null ? '' : ` (${clause(wayBack.why)})`}`;
}

function changeWords(change: Listed, { mode, drift }: Generation): string {
  const head = `${kindOf(change, mode).symbol}${change.model}`;
  const told = change.action === 'update' ? fieldWords(change.fields) : '';
  const why = causeWords(change, drift);
  const tail = [told, why].filter((words) => words !== '').join(', ');
  return tail === '' ? head : `${head}: ${tail}`;
}

function fieldWords(fields: Extract<Listed, { action: 'update' }>['fields']): string {
  const said = fields.slice(0, MOST_FIELDS).map(({ field, from, to }) => {
    const [before, after] = valuePair(field, from, to);
    return `${field} ${before} → ${after}`;
  });
  return [...said, ...(fields.length > MOST_FIELDS ? [`${fields.length - MOST_FIELDS} more`] : [])].join(', ');
}

/** The settings tell why a file's change restarted it; of the world's changes it is the drift that tells. */
function causeWords(change: Listed, drift: readonly Drift[]): string {
  if (change.action === 'blocked') return `blocked: ${change.problem.summary} [${change.problem.code}]`;
  const own = drift.filter((one) => one.model === change.model);
  if (change.correctsDrift) return own.length === 0 ? change.cause : [...new Set(own.map(({ reason }) => reason))].join(', ');
  return change.action === 'update' && change.fields.length > 0
    ? ''
    : change.action === 'create' || change.action === 'adopt'
      ? ''
      : change.cause;
}

function failures({ steps }: Generation): readonly (readonly (string | Span)[])[] {
  const failed = steps.filter((step) => step.status === 'failed' || step.status === 'interrupted');
  const rows = failed.slice(0, MOST_FAILURES).map((step): readonly (string | Span)[] => {
    const why = step.problem === null ? step.because : `${step.problem.summary} [${step.problem.code}]`;
    return [span(`${step.status}: `, 'remove'), `${step.op} ${step.model}${why === null ? '' : `: ${why}`}`];
  });
  return failed.length > MOST_FAILURES ? [...rows, [`and ${counted(failed.length - MOST_FAILURES, 'other failed step')}`]] : rows;
}
