import { LOOPING } from '../domain/daemon-event.ts';
import type { ApplyResult, Trigger } from '../domain/generation.ts';
import { quarantineOf, WHOLE_STACK, type Approval, type Holds, type Pin } from '../domain/holds.ts';
import type { Drift } from '../domain/plan.ts';
import { asSentence, type Problem } from '../domain/problem.ts';
import type { Parked } from './gate.ts';
import { whyHeld, type LeftAs, type Paced } from './pace.ts';
import type { Task, Telling } from './types.ts';
import { clause } from '../domain/text.ts';

/** What the pace of things tells, as an event. `isTakenBack`: the release that the model came with is, so that it is not mended. */
export function tellPaced(event: Paced, isTakenBack: boolean): Telling {
  switch (event.type) {
    case 'waiting': {
      const { model, why, leftAs, times } = event;
      const inMs = isTakenBack || leftAs !== undefined ? null : event.inMs;
      const back = isTakenBack ? 'The release that it came with is taken back.' : leftWords(model, leftAs);
      const next = inMs === null ? back : `It is started anew in ${duration(inMs)}.`;
      const often = times < LOOPING ? '' : ` That was ${times} times in a row.`;
      return { type: 'model.crashed', model, why, inMs, times, message: `${named(model, why)}${often} ${next}` };
    }
    case 'blocked': {
      const { model, why, problem } = event;
      const said = `${why === null ? '' : `${why} `}${asSentence(problem)}`;
      return {
        type: 'model.blocked',
        model,
        why: said,
        message: `${named(model, said)}${problem.fix === undefined ? '' : ` ${problem.fix}`}`,
      };
    }
    case 'drift': {
      const { model, field, reason, policy, detail } = event.drift;
      const message = `${named(model, detail)} ${fateOf(event.drift, event.leftAs)}`;
      return { type: 'drift.found', model, field: field ?? '', reason, policy, detail, message };
    }
    case 'held': {
      const { model, field, flips } = event;
      const why = whyHeld(flips);
      const message = `${model}: somebody else changes ${field} as well. ${why} It is left as it is; find the other one, then: llmops reconcile`;
      return { type: 'model.held', model, field, why, message };
    }
  }
}

/** Most sentences leave the model out that they are about; some begin with it. */
function named(model: string, said: string): string {
  return said.startsWith(`${model} `) || said.startsWith(`${model}:`) ? said : `${model}: ${said}`;
}

/** What becomes of drift. */
function fateOf({ reason, policy, model }: Drift, leftAs: LeftAs | undefined): string {
  if (reason === 'unfulfilled') return 'It cannot be had here, so it is left; a restart would change nothing.';
  return policy === 'correct' && leftAs !== undefined ? leftWords(model, leftAs) : WILL[policy];
}

function leftWords(model: string, leftAs: LeftAs | undefined): string {
  if (leftAs === 'kept') return 'It is left as it is until a release that can be applied says what is wanted of it.';
  if (leftAs === 'held') return 'It is left as it is, because somebody else changes it back each time.';
  const [what, whose] = leftAs === 'stack-suspended' ? ['the stack', ''] : ['it', ` ${model}`];
  return `It is left as it is, because ${what} is suspended. To end that: llmops resume${whose}`;
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

/** What is found may be what was rolled back: then it is seen, and no more. */
export function heeding(event: Telling, holds: Holds): Telling {
  if (event.type !== 'revision.found') return event;
  const bad = quarantineOf(holds, event.revision);
  if (bad === null) return event;
  const said = bad.why === null ? '' : `: ${clause(bad.why)}`;
  const message = `${event.message.replace(/ is followed\.$/, '')} is there again, and not applied: it was rolled back by ${bad.by}${said}. To lift that: llmops resume`;
  return { ...event, message };
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

type Suspensions = Pick<Holds, 'suspended' | 'resumed' | 'pin' | 'approved'>;

/** What somebody suspended or resumed meanwhile. */
export function tellSuspension(before: Suspensions, after: Suspensions): readonly Telling[] {
  const begun = Object.entries(after.suspended).filter(([name, { at }]) => before.suspended[name]?.at !== at);
  const ended = Object.keys(before.suspended).filter((name) => after.suspended[name] === undefined);
  const { by: who, why } = (after.resumed?.at === before.resumed?.at ? null : after.resumed) ?? { by: null, why: null };
  const said = who === null ? ': its time is over' : `, by ${who}${why === null ? '' : `: ${clause(why)}`}`;
  const isUnpinned = before.pin !== null && after.pin === null;
  const approved = after.approved.filter(({ plan, at }) => !before.approved.some((one) => one.plan === plan && one.at === at));
  return [
    ...approved.map(tellApproved),
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

function tellApproved({ plan, by, why }: Approval): Telling {
  const message = `Plan ${plan} is approved by ${by}${why === null ? '' : `: ${clause(why)}`}.`;
  return { type: 'plan.approved', plan, who: by, why, message };
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
