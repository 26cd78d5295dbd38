import type { Problem } from '../domain/problem.ts';
import { secretNumber, type SecretSight } from '../domain/secret.ts';
import type { Grounds } from './world.ts';
import { placeOf, type NumberedSecret } from './wish.ts';
import { clause } from '../domain/text.ts';

/** What is known of the secrets that one model names. */
export interface Secrets {
  readonly numbered: readonly NumberedSecret[];
  /** Settings of which nobody can tell whether the secret behind them is still the one that was given. */
  readonly unverified: readonly string[];
  /** Why a copy could not be started now. */
  readonly missing: readonly Problem[];
  /** Why some are unverified, for people. */
  readonly notes: readonly Problem[];
}

/** Which secrets a model is to run with: those that its copies have, or the next ones if they were exchanged. */
export function secretsOf(context: Grounds, model: string): Secrets {
  const { secrets, mode } = context.input;
  const sights = secrets?.[model] ?? [];
  const told = sights.map((sight) => [sight, numberOf(context, model, sight)] as const);
  const unasked = sights.filter(({ status }) => status === 'unasked');
  return {
    numbered: told.map(([{ field, reference }, { number }]) => ({ field, reference, number })),
    unverified: told.filter(([, { verified }]) => !verified).map(([{ field }]) => field),
    // Bringing weights starts nothing.
    missing:
      mode === 'prefetch' ? [] : sights.flatMap(({ field, problem }) => (problem === null ? [] : [placed(context, model, field, problem)])),
    notes: unasked.map((sight) => notVerified(context, model, sight)),
  };
}

/** A start for which a secret is missing: nothing is ended for it. */
export function missingSecret({ missing: [problem] }: Secrets, model: string): Problem | null {
  return problem === undefined
    ? null
    : { ...problem, severity: 'error', summary: `${clause(problem.summary)}; ${model} is left as it is.` };
}

/** What runs has its secret, and keeps it. */
export function secretWarnings({ missing, notes }: Secrets): readonly Problem[] {
  const warn = (problem: Problem): Problem => ({
    ...problem,
    severity: 'warning',
    summary: `${clause(problem.summary)}; what runs keeps the one that it was given, and could not be started anew.`,
  });
  return [...missing.map(warn), ...notes];
}

interface Numbered {
  readonly number: number;
  /** It was compared with what a copy was given, or there is no copy to compare it with. */
  readonly verified: boolean;
}

function numberOf({ input, world }: Grounds, model: string, { field, reference, same, other }: SecretSight): Numbered {
  const copies = (world.ours.get(model) ?? []).flatMap(({ id, configured }) => {
    const number = secretNumber(configured[field], reference);
    return number === null ? [] : [{ id, number }];
  });
  const applied = secretNumber(input.inventory.models[model]?.fields[field], reference);
  const match = copies.find(({ id }) => same.includes(id));
  if (match !== undefined) return { number: match.number, verified: true };
  const numbers = [...copies.map(({ number }) => number), ...(applied === null ? [] : [applied])];
  if (copies.some(({ id }) => other.includes(id))) return { number: Math.max(...numbers) + 1, verified: true };
  return { number: copies[0]?.number ?? applied ?? 1, verified: copies.length === 0 };
}

function notVerified(context: Grounds, model: string, { field, reference }: SecretSight): Problem {
  return placed(context, model, field, {
    severity: 'info',
    code: 'secret-unverified',
    summary: `Whether what ${reference} gives ${model} has changed is not verified: a plan runs no command and empties no pipe.`,
    fix: `\`llmops apply --replace ${model}\` starts it with what comes from there now.`,
  });
}

function placed({ input }: Grounds, model: string, field: string, problem: Problem): Problem {
  const place = placeOf(input.desired, model, field);
  return place === null ? problem : { ...problem, place };
}
