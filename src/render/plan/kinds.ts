import type { Change, Plan } from '../../domain/plan.ts';
import type { Tone } from '../text/lines.ts';

/** How one sort of change is shown: symbol, colour, words of the legend. */
export interface Kind {
  readonly symbol: '=' | '+' | '~' | '-' | '-/+' | '+/-' | 'x';
  readonly tone: Tone;
  readonly meaning: string;
}

/** A change that is listed: all but `keep`. */
export type Listed = Exclude<Change, { action: 'keep' }>;
export type Update = Extract<Change, { action: 'update' }>;

const ADOPT: Kind = { symbol: '=', tone: 'add', meaning: 'take over as it runs' };
const CREATE: Kind = { symbol: '+', tone: 'add', meaning: 'create' };
const UPDATE: Kind = { symbol: '~', tone: 'change', meaning: 'update in place' };
const DELETE: Kind = { symbol: '-', tone: 'remove', meaning: 'destroy' };
const STOP: Kind = { symbol: '-', tone: 'remove', meaning: 'stop' };
const SWAP: Kind = { symbol: '-/+', tone: 'change', meaning: 'stop old, then start new' };
const SURGE: Kind = { symbol: '+/-', tone: 'change', meaning: 'start new, then stop old' };
const BLOCKED: Kind = { symbol: 'x', tone: 'remove', meaning: 'blocked' };

/** In the order in which the legend names them. */
const LEGEND = [ADOPT, CREATE, UPDATE, SWAP, SURGE, DELETE, STOP, BLOCKED];

/** The kind of one change. Under `down` models are stopped and their files stay, so "destroy" would be the wrong word. */
export function kindOf(change: Listed, mode: Plan['mode']): Kind {
  if (change.action === 'adopt') return ADOPT;
  if (change.action === 'create') return CREATE;
  if (change.action === 'blocked') return BLOCKED;
  if (change.action === 'delete') return mode === 'down' ? STOP : DELETE;
  if (change.replacement === null) return UPDATE;
  return change.replacement === 'surge' ? SURGE : SWAP;
}

/** The kinds that occur, in the legend's order. */
export function kindsIn(changes: readonly Listed[], mode: Plan['mode']): readonly Kind[] {
  const used = new Set(changes.map((change) => kindOf(change, mode)));
  return LEGEND.filter((kind) => used.has(kind));
}

/** What happens to the model, in words, for its heading. */
export function actionWords(change: Listed, mode: Plan['mode']): string {
  const drift = change.correctsDrift ? ', correcting drift' : '';
  if (change.action === 'blocked') return 'blocked, left as it is';
  if (change.action === 'adopt') return 'take over as it runs';
  if (change.action === 'create') return change.correctsDrift ? 'create again, correcting drift' : 'create';
  if (change.action === 'delete') return `${mode === 'down' ? 'stop' : 'destroy'}${drift}`;
  return `${updateWords(change)}${drift}`;
}

function updateWords(change: Update): string {
  const verb = change.price === 'replace' ? 'replace' : 'update';
  if (change.replacement === null) return `${verb} in place`;
  return `${verb}, ${change.replacement === 'surge' ? 'new before old' : 'old before new'}`;
}

/** True for every change that a plan lists. */
export function isListed(change: Change): change is Listed {
  return change.action !== 'keep';
}
