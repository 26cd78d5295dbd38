import { OPS } from '../../src/domain/plan.ts';
import * as common from './common.ts';
import type { Schema } from './dsl.ts';
import { count, document, exactly, flag, list, nullable, object, oneOfWords, ref, text, union } from './dsl.ts';

function event(type: string, description: string, members: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const head = { type: exactly('Kind of record.', type), at: text('When, ISO 8601.'), run: text('Identity of the run.') };
  return object(description, { ...head, ...members }, optional);
}

const op = oneOfWords('What the step does.', OPS);
const step = text('Identity of the step in the plan.');
const model = text('Name of the model.');
const ms = count('How long it took, in milliseconds.');
const outcome = oneOfWords('`stale`: the world was not as planned. `cancelled`: a person or signal stopped it.', [
  'succeeded',
  'partly',
  'failed',
  'stale',
  'cancelled',
]);

const stepResult = object(
  'What became of one step.',
  {
    step,
    op,
    model,
    backend: text('Name of the backend.'),
    instance: text('Identity of the instance.'),
    cause: text('Why it was planned.'),
    status: oneOfWords('What it came to.', ['done', 'failed', 'skipped', 'cancelled', 'interrupted']),
    problem: nullable(ref('problem', 'Why it failed.')),
    because: nullable(text('Why it was skipped or cancelled.')),
    url: text('For a done `publish`: where clients are sent now.'),
    cut: count('For a done `drain`: requests that were still in flight, and that the end of the copy cuts. Absent: none, or nobody told.'),
    note: text('For a done step: what people should know of it.'),
    restored: object(
      'For a failed step of old before new: what served before serves again.',
      {
        instance: text('Identity of the instance.'),
        url: text('Where clients are sent.'),
        unpublished: flag('True: that could not be written down. It serves, and who looks the address up is told none.'),
      },
      ['unpublished'],
    ),
    startedAt: nullable(text('When it began, ISO 8601; null: never.')),
    ms: count('Milliseconds from begin to end.'),
  },
  ['url', 'cut', 'note', 'restored'],
);

const root = union(
  'One record of the stream of `llmops apply --json`: one JSON object per line. Show records of an unknown `type` by their `message`, or ignore them.',
  [
    object('The first record of a stream.', {
      type: exactly('Kind of record.', 'version'),
      format: exactly('Version of this format.', '1.0'),
    }),
    object('The plan that is applied.', {
      type: exactly('Kind of record.', 'plan'),
      plan: { type: 'object', description: 'See plan.schema.json.' },
    }),
    event('run.started', 'An apply begins.', {
      stack: text('Name of the stack.'),
      steps: count('Steps in the plan.'),
      revision: text('SHA-256 over the meaning of the file, hex.'),
      mode: text('What was asked for: apply, destroy, down.'),
      who: text('Who asked.'),
    }),
    event('step.started', 'A step begins.', {
      step,
      op,
      model,
      backend: text('Name of the backend.'),
      instance: text('Identity of the instance.'),
      cause: text('Why.'),
      deadlineMs: count('How long it may take, in milliseconds.'),
    }),
    event('step.waiting', 'A step says what it waits for.', {
      step,
      model,
      message: text('What is being waited for.'),
      done: nullable(common.amountDone),
      total: nullable(common.amountDone),
    }),
    event('step.transfer', 'A step says how far a file on its way is.', {
      step,
      model,
      file: text('Name of the file.'),
      done: count('Bytes that have arrived.'),
      total: nullable(count('Bytes in all; null: not known.')),
      bytesPerSecond: nullable(count('Over the last seconds; null: too short a time to tell.')),
    }),
    event(
      'step.done',
      'A step did what it should.',
      { step, op, model, ms, note: text('What people should know of it. Absent: nothing.') },
      ['note'],
    ),
    event('step.failed', 'A step did not.', { step, op, model, problem: ref('problem', 'Why.'), ms }),
    event('step.skipped', 'A step was not begun.', { step, op, model, because: text('Why not.') }),
    event('run.finished', 'The apply is over.', {
      outcome,
      done: count('Steps done.'),
      failed: count('Steps failed.'),
      skipped: count('Steps skipped.'),
      generation: nullable(count('Number in the history; null: nothing was begun.')),
      ms,
    }),
    object('The last record of a stream.', {
      type: exactly('Kind of record.', 'result'),
      outcome,
      generation: nullable(count('Number in the history; null: nothing was begun.')),
      ms: count('How long it took, in milliseconds.'),
      steps: list('One for every step of the plan; empty if none was tried.', ref('stepResult', 'One step.')),
      problems: list(
        'What went wrong beside the steps: why nothing was tried, history that could not be written.',
        ref('problem', 'One problem.'),
      ),
    }),
  ],
);

/** schemas/event.schema.json */
export const eventSchema = document('event', 'One record of an llmops stream', root, {
  place: common.place,
  problem: common.problem,
  stepResult,
});
