import { LOOPING } from '../domain/daemon-event.ts';
import type { ApplyResult, Trigger } from '../domain/generation.ts';
import { WHOLE_STACK, type Holds, type Pin } from '../domain/holds.ts';
import { asSentence, type Problem } from '../domain/problem.ts';
import type { Parked } from './gate.ts';
import type { Paced } from './pace.ts';
import type { Task, Telling } from './types.ts';

/** What the pace of things tells, as an event. `isTakenBack`: the release that the model came with is, so that it is not mended. */
export function tellPaced(event: Paced, isTakenBack: boolean): Telling {
  switch (event.type) {
    case 'waiting': {
      const { model, why, times } = event;
      const inMs = isTakenBack ? null : event.inMs;
      const next = inMs === null ? 'The release that it came with is taken back.' : `It is started anew in ${duration(inMs)}.`;
      return {
        type: 'model.crashed',
        model,
        why,
        inMs,
        times,
        message: `${model}: ${why} ${times < LOOPING ? '' : `That was ${times} times in a row. `}${next}`,
      };
    }
    case 'blocked': {
      const { model, why, problem } = event;
      const said = `${why === null ? '' : `${why} `}${asSentence(problem)}`;
      return { type: 'model.blocked', model, why: said, message: `${model}: ${said}${problem.fix === undefined ? '' : ` ${problem.fix}`}` };
    }
    case 'drift': {
      const { model, field, reason, policy, detail } = event.drift;
      return { type: 'drift.found', model, field: field ?? '', reason, policy, detail, message: `${model}: ${detail} ${WILL[policy]}` };
    }
    case 'held': {
      const { model, field, flips } = event;
      const why = `It was put right ${flips.length} times and changed back each time: ${flips.map(({ at, detail }) => `${at} ${detail}`).join(' ')}`;
      const message = `${model}: somebody else changes ${field} as well. ${why} It is left as it is; find the other one, then: llmops reconcile`;
      return { type: 'model.held', model, field, why, message };
    }
  }
}

const WILL = { correct: 'It is put right.', warn: 'It is left, as its policy says.', ignore: '' } as const;

/** The end of a run. `name`: of the release, or of what was gone back to. */
export function tellRan(
  { outcome, generation, steps, ms }: ApplyResult,
  trigger: Trigger,
  { name, commit, left }: { readonly name: string; readonly commit: string | null; readonly left: readonly string[] },
): Telling {
  const failed = steps.find(({ status }) => status === 'failed');
  const why = failed?.problem ? ` ${asSentence(failed.problem)}` : '';
  const but = outcome === 'succeeded' && left.length > 0 ? `, but for ${fewOf(left)}` : '';
  const what = generation === null ? 'Nothing was begun' : `Generation ${generation} ${OUTCOMES[outcome]}`;
  return {
    type: 'run.finished',
    outcome,
    generation,
    revision: name,
    commit,
    trigger,
    ms,
    message: `${what} after ${duration(ms)}${but}.${why}`,
  };
}

const OUTCOMES: Readonly<Record<ApplyResult['outcome'], string>> = {
  succeeded: 'is in force',
  partly: 'came to be in part',
  failed: 'failed',
  stale: 'was given up, as the world had moved',
  cancelled: 'was cut short',
};

export function tellParked({ why, summary, untilMs }: Parked): Telling {
  const until = untilMs === null ? null : new Date(untilMs).toISOString();
  return {
    type: 'plan.parked',
    why,
    until,
    summary,
    message: `Parked: ${summary} ${why}${until === null ? '' : ` It waits until ${until}.`}`,
  };
}

export function tellRefused(revision: string, problems: readonly Problem[]): Telling {
  const [first] = problems;
  const fix = first?.fix === undefined ? '' : ` ${first.fix}`;
  return { type: 'plan.refused', revision, problems, message: `Not applied: ${first ? asSentence(first) : ''}${fix}` };
}

/** A person, or a release that did not hold, made it go back. */
export function tellWayBack({ by, why, generation }: Pin): Telling {
  const said = why === null ? '' : `: ${clause(why)}`;
  return {
    type: 'rollback.started',
    to: generation,
    by,
    why: why ?? '',
    message: `Going back to generation ${generation}, by ${by}${said}.`,
  };
}

/** A run begins. `name`: of the release, or of what is gone back to. */
export function tellStarts(models: readonly string[], { trigger, session }: Task, name: string): Telling {
  return {
    type: 'run.started',
    revision: name,
    commit: session.commit ?? null,
    trigger,
    message: `${BECAUSE[trigger]}: ${fewOf(models)}.`,
  };
}

function fewOf(models: readonly string[]): string {
  return models.length > 5 ? `${models.slice(0, 5).join(', ')} and ${models.length - 5} more` : models.join(', ');
}

const BECAUSE: Readonly<Record<Trigger, string>> = {
  command: 'Applying',
  release: 'Applying what is declared',
  crash: 'Starting anew',
  drift: 'Putting right',
  rollback: 'Going back',
};

type Suspensions = Pick<Holds, 'suspended' | 'resumed' | 'pin'>;

/** What somebody suspended or resumed meanwhile. */
export function tellSuspension(before: Suspensions, after: Suspensions): readonly Telling[] {
  const begun = Object.entries(after.suspended).filter(([name, { at }]) => before.suspended[name]?.at !== at);
  const ended = Object.keys(before.suspended).filter((name) => after.suspended[name] === undefined);
  const { by: who, why } = (after.resumed?.at === before.resumed?.at ? null : after.resumed) ?? { by: null, why: null };
  const said = who === null ? ': its time is over' : `, by ${who}${why === null ? '' : `: ${clause(why)}`}`;
  const isUnpinned = before.pin !== null && after.pin === null;
  return [
    ...begun.map(([name, { by, why: because, until }]): Telling => {
      const end = until === null ? '' : `, until ${until}`;
      return {
        type: 'suspended',
        who: by,
        why: because,
        message: `${whom(name)} is left as it is${end}, by ${by}${because === null ? '' : `: ${clause(because)}`}. To end that: llmops resume${name === WHOLE_STACK ? '' : ` ${name}`}`,
      };
    }),
    ...(isUnpinned && who !== null
      ? [{ type: 'resumed', who, why, message: `What was rolled back may be applied again${said}.` } as const]
      : []),
    ...ended.map((name): Telling => ({ type: 'resumed', who, why, message: `${whom(name)} is looked after again${said}.` })),
  ];
}

/** Without its full stop, so that a sentence can go on. */
function clause(text: string): string {
  return text.replace(/\.$/, '');
}

function whom(name: string): string {
  return name === WHOLE_STACK ? 'The stack' : name;
}

/** Somebody else holds the lease. */
export function tellBusy(holder: string): Telling {
  return { type: 'model.blocked', model: '', why: holder, message: `Waits for ${holder}, who changes this stack.` };
}

function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;
}
