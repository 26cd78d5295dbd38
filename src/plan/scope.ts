import type { ModelSpec } from '../domain/desired.ts';
import type { Problem } from '../domain/problem.ts';
import { compareText, nearest } from '../domain/text.ts';
import type { Context } from './sight.ts';
import { count, list } from './words.ts';

/** Which models a plan is about. */
export interface Scope {
  /** Declared, to run; sorted by name. */
  readonly wanted: readonly ModelSpec[];
  /** Ours, running or on record, to go; sorted by name. */
  readonly unwanted: readonly string[];
  /** Declared in a way that is not acted on, and running or on record: left alone. */
  readonly spared: readonly string[];
  /** Of this stack and left out by `--target`. */
  readonly leftOut: number;
  /** Models of ours that run or are on record, whatever becomes of them. */
  readonly known: number;
  readonly problems: readonly Problem[];
}

export function scopeOf({ input, world }: Context): Scope {
  const { desired, inventory, mode, targets, replace } = input;
  const known = new Set([...Object.keys(inventory.models), ...Object.keys(inventory.endpoints), ...world.ours.keys()]);
  const declared = new Map(desired.models.map((model) => [model.name, model]));
  const inert = new Set(desired.inertModels ?? []);
  const all = new Set([...known, ...declared.keys()]);
  const chosen = new Set(targets);
  const isIn = (name: string): boolean => targets.length === 0 || chosen.has(name);
  const ending = mode === 'down' || mode === 'destroy';
  const sorted = [...known].filter(isIn).sort(compareText);
  const wanted = ending ? [] : desired.models.filter(({ name }) => isIn(name)).sort((a, b) => compareText(a.name, b.name));
  const problems = [
    ...targets.flatMap((name) => unknownName(name, '--target', all)),
    ...replace.flatMap((name) => unknownName(name, '--replace', new Set(declared.keys()))),
  ];
  return {
    wanted,
    unwanted: ending ? sorted : sorted.filter((name) => !declared.has(name) && !inert.has(name)),
    spared: ending ? [] : sorted.filter((name) => inert.has(name) && !declared.has(name)),
    leftOut: [...all].filter((name) => !isIn(name)).length,
    known: known.size,
    problems,
  };
}

function unknownName(name: string, flag: string, names: ReadonlySet<string>): Problem[] {
  if (names.has(name)) return [];
  const similar = nearest(name, names);
  const fix =
    similar === null ? `Models of this stack: ${list([...names].sort(compareText)) || 'none'}.` : `Did you mean \`${flag} ${similar}\`?`;
  return [{ severity: 'error', code: 'unknown-target', summary: `${flag} ${name}: this stack has no model of that name.`, fix }];
}

const MASS_SHARE = 0.3;
const MASS_FROM = 4;

/**
 * Refuses a plan that deletes much at once, which is more often a slip (an empty file, a wrong branch) than a wish: all of two or
 * more models, whatever is declared in their place, the last one if nothing is, or more than 30 % of four or more. One model
 * that another one replaces is everyday.
 */
export function massDelete({ input }: Context, scope: Scope, deletions: number): Problem[] {
  if (input.mode !== 'apply' || input.allowDestroy || deletions === 0) return [];
  const empty = input.desired.models.length + (input.desired.inertModels ?? []).length === 0;
  const all = scope.known > 1 && scope.unwanted.length === scope.known; // also where one of them can be left only
  const many = scope.known >= MASS_FROM && deletions / scope.known > MASS_SHARE;
  if (!empty && !all && !many) return [];
  const { file } = input.desired;
  const why = empty ? `${file} declares no model` : all ? `${file} declares none of them any more` : 'that is more than 30 %';
  return [
    {
      severity: 'error',
      code: 'mass-delete',
      summary: `This plan deletes ${deletions} of ${count(scope.known, 'model')}: ${why}.`,
      fix: 'If that is meant: `llmops apply --allow-destroy`.',
    },
  ];
}

/**
 * Refuses a plan that takes another file's models over and deletes some of them: that the file is gone may mean that its disk is
 * not mounted, and that it was another stack all along.
 */
export function takeoverDelete({ input }: Context, deletions: number): Problem[] {
  if (input.allowDestroy || deletions === 0 || !input.problems.some(({ code }) => code === 'stack-moved')) return [];
  const { stack, file } = input.desired;
  return [
    {
      severity: 'error',
      code: 'takeover-delete',
      summary: `This plan deletes ${count(deletions, 'model')} of a stack ${stack} that was applied from another file.`,
      fix: `If ${file} is that stack: \`llmops ${input.mode === 'apply' ? 'apply' : 'destroy'} --allow-destroy\`. If not, give it a \`name:\` of its own.`,
    },
  ];
}
