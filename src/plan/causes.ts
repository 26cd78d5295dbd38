import type { FieldChange } from '../domain/plan.ts';
import type { Place } from '../domain/problem.ts';
import { exchangedSecret } from '../domain/secret.ts';
import { nameMoved, reasonOf } from './drift.ts';
import type { Sight } from './sight.ts';
import type { Need } from './verdict.ts';
import { at, list, value } from './words.ts';
import { clause } from '../domain/text.ts';

/** The sentence after "because", and where a person can look. */
export interface Cause {
  readonly cause: string;
  readonly place: Place | null;
  /** True if nothing in llmops.yaml asked for it: the world moved. */
  readonly correctsDrift: boolean;
}

/** Something that llmops.yaml, a flag or an unfinished run asked for. */
export function intended(cause: string, place: Place | null): Cause {
  return { cause, place, correctsDrift: false };
}

function drifted(cause: string, place: Place | null): Cause {
  return { cause, place, correctsDrift: true };
}

/** Why this is done to a declared model. */
export function causeOf(sight: Sight, need: Need, fields: readonly FieldChange[]): Cause {
  if (sight.forced && sight.target !== null) return intended('--replace asks for it', sight.place);
  if (need === 'restart') return causeOfCorrection(fields, sight.place);
  const resumes = sight.target !== null && sight.others.some((copy) => copy.phase === 'serving') && !sight.published;
  if (need !== 'start' && resumes && fields.length > 0)
    return causeOfFields(fields, sight.place, ', and an earlier run started the new copy');
  if (need === 'await' && sight.target?.problem) return drifted(clause(sight.target.problem.summary), sight.place);
  if (need === 'await') return intended('it was started and is still loading', sight.place);
  if (need === 'nothing') return causeOfUpkeep(sight, fields);
  if (sight.others.some((copy) => copy.phase !== 'failed')) return causeOfReplacement(sight, fields);
  const failed = sight.target ?? sight.others[0];
  if (failed === undefined) return causeOfCreate(sight);
  if (sight.applied !== null && sight.applied.specHash === failed.specHash && sight.target === null)
    return causeOfReplacement(sight, fields);
  return sight.applied?.specHash === failed.specHash
    ? drifted(`it ended by itself: ${reasonOf(failed)}`, sight.place)
    : intended(`an earlier start failed: ${reasonOf(failed)}`, sight.place);
}

function causeOfCreate({ wish, applied, interrupted, place }: Sight): Cause {
  if (applied === null) return intended(`it is declared at ${at(place)} and does not run yet`, place);
  if (applied.backend !== wish.spec.backend) return intended(moved(applied.backend, wish.spec.backend, place), place);
  if (applied.specHash !== wish.spec.specHash) return intended(`it does not run, and its settings at ${at(place)} are new`, place);
  if (interrupted) return intended('an earlier run took it down and did not start it again', place);
  return drifted(`it was applied as generation ${applied.generation} and is not there any more`, place);
}

function causeOfCorrection(fields: readonly FieldChange[], place: Place | null): Cause {
  const found = fields
    .filter(({ price }) => price !== 'live')
    .map(({ field, from, to }) => `${field} is ${value(from)} instead of ${value(to)}`);
  return drifted(list(found), place);
}

function moved(from: string, to: string, place: Place | null): string {
  return `it moves from backend ${from} to ${to} (${at(place)})`;
}

/** Why a running copy gives way to one with other settings. */
function causeOfReplacement({ wish, others, applied, interrupted, place }: Sight, fields: readonly FieldChange[]): Cause {
  const old = others[0];
  if (old === undefined || old.backend !== wish.spec.backend) {
    return intended(moved(old?.backend ?? '?', wish.spec.backend, place), place);
  }
  if (applied?.specHash === wish.spec.specHash) {
    const cause = `${old.id} runs other settings than the ones that were applied`;
    return interrupted ? intended(`${cause}: a run was cut off`, place) : drifted(cause, place);
  }
  if (fields.length > 0) return causeOfFields(fields, place);
  return intended(`it runs other settings than ${at(place)} declares; which ones, it does not tell`, place);
}

/** Nothing starts: clients are sent elsewhere, a copy is left over, or only our own record moves. */
function causeOfUpkeep(sight: Sight, fields: readonly FieldChange[]): Cause {
  const { wish, applied, endpoint, others, published, interrupted, place } = sight;
  if (fields.length > 0) return causeOfFields(fields, place);
  if (others.length > 0 && (interrupted || applied === null || others.some((copy) => copy.specHash === applied.specHash))) {
    return intended('an interrupted apply left another copy behind', place);
  }
  if (others.length > 0) return drifted('another copy runs that no apply left there', place);
  if (applied === null) return intended('it runs as declared, and no record of it is left', place);
  if (!published && (interrupted || endpoint === null)) return intended('an earlier run did not get to send clients to it', place);
  const name = nameMoved(sight);
  if (!published && name !== null) return drifted(clause(name), place);
  if (!published) return drifted(`clients are sent to ${endpoint?.url ?? 'nothing'} instead`, place);
  if (applied.specHash !== wish.spec.specHash) return intended('an interrupted apply did not get to record it', place);
  return intended('it runs as declared', place);
}

/** "context and parallel changed (llmops.yaml:15, llmops.yaml:16)". */
function causeOfFields(fields: readonly FieldChange[], place: Place | null, addition = ''): Cause {
  const shown = shownOf(fields);
  return intended(`${list(shown.map(nameOf))} changed${placesOf(shown)}${addition}`, firstOf(shown) ?? place);
}

/** Why something would be done that is not: the settings that would change stand nowhere else. "context changed from 1024 to 2048". */
export function causeOfBlocked(fields: readonly FieldChange[], place: Place | null): Cause {
  const shown = shownOf(fields);
  if (shown.length === 0) return intended(`it is declared at ${at(place)}`, place);
  const words = shown.map((change) => {
    const [from, to] = [value(change.from), value(change.to)];
    const told = nameOf(change) === change.field && from.length + to.length <= MOST_VALUES;
    return `${nameOf(change)}${told ? ` changed from ${from} to ${to}` : ' changed'}`;
  });
  return intended(`${list(words)}${placesOf(shown)}`, firstOf(shown) ?? place);
}

/** Longer values are left to the file. */
const MOST_VALUES = 60;

/** Weights that moved are named once. */
function shownOf(fields: readonly FieldChange[]): readonly FieldChange[] {
  return fields.some(({ field }) => field === 'digest') ? fields.filter(({ field }) => field !== 'source') : fields;
}

function inFile(fields: readonly FieldChange[]): readonly Place[] {
  return fields.flatMap((change) => change.place ?? []).sort((a, b) => a.line - b.line);
}

function firstOf(fields: readonly FieldChange[]): Place | null {
  return inFile(fields)[0] ?? null;
}

function placesOf(fields: readonly FieldChange[]): string {
  const where = [...new Set(inFile(fields).map((each) => at(each)))].join(', ');
  return where === '' ? '' : ` (${where})`;
}

function nameOf({ field, from, to }: FieldChange): string {
  if (field === 'digest') return 'the weights';
  const reference = exchangedSecret(from, to);
  return reference === null ? field : `the key behind ${reference}`;
}
