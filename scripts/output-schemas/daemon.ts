import { count, exactly, flag, list, map, nullable, object, oneOfWords, ref, text, type Schema } from './dsl.ts';

const mark = {
  by: text('Who: `alice@gpu-box`.'),
  at: text('When, ISO 8601.'),
  why: nullable(text('Why, in words.')),
};

/** What people hold. */
export const held = {
  suspended: map(
    'What is left as it is, by model; `*`: the whole stack.',
    object('A suspension.', { ...mark, until: nullable(text('Its end, ISO 8601.')) }),
  ),
  pin: nullable(object('The generation that it keeps to after a rollback.', { ...mark, generation: count('Its number.') })),
};

/** What `llmops up` is at. */
export const daemon: Schema = object('What the daemon of a stack is at.', {
  formatVersion: exactly('Version of this format.', '1.0'),
  pid: count('Its process.'),
  who: text('Whose it is: `alice@gpu-box`.'),
  since: text('Since when, ISO 8601.'),
  at: text('When this was told, ISO 8601.'),
  follows: text('What it follows: a branch of a remote, or a file.'),
  phase: oneOfWords('What it does just now.', ['looking', 'applying', 'idle', 'suspended', 'stopping']),
  roundMs: nullable(count('How long the last look at everything took, with what was done, in milliseconds.')),
  newest: nullable(
    object('The newest release that was found.', {
      release: text('Its name, 12 hex digits.'),
      commit: nullable(text('Full name of its commit; null: not of git.')),
      subject: nullable(text('First line of the message of its commit.')),
    }),
  ),
  inForce: flag('What runs is the newest release, whatever came after it and cannot be used.'),
  trouble: nullable(
    object('What came after the newest release and is not used, or that the source cannot be read.', {
      kind: oneOfWords('What it is.', ['invalid', 'refused', 'unavailable']),
      commit: nullable(text('Full name of its commit; null: not known, or not of git.')),
      since: text('Since when, ISO 8601.'),
      problems: list('Why.', ref('problem', 'One problem.')),
    }),
  ),
  target: text('What it works towards, in words.'),
  stalled: list('What it does not get past without a person; a problem of one model names it.', ref('problem', 'One problem.')),
  parked: nullable(
    object('A plan that waits.', {
      key: text('Its name, for `llmops approve`.'),
      why: text('What it waits for.'),
      summary: text('What it would do.'),
      until: nullable(text('ISO 8601; null: until it is approved.')),
      models: list('Whose changes these are.', text('Name of a model.')),
      covers: list('Its changes one by one, for an approval.', text('Release, model, action and hash of what the model is to run as.')),
    }),
  ),
  held: list(
    'What is left as it is, because somebody else changes it back each time.',
    object('One model.', {
      model: text('Its name.'),
      field: text('What the two change.'),
      why: text('What was seen.'),
    }),
  ),
  waiting: list(
    'What is tried again.',
    object('One model.', {
      model: text('Its name.'),
      why: text('Why.'),
      times: count('How often it was tried.'),
      at: text('When, ISO 8601.'),
    }),
  ),
  ...held,
  bake: nullable(
    object('A release that is watched after its apply.', {
      release: text('Its name.'),
      commit: nullable(text('Its commit.')),
      previous: nullable(count('The generation to go back to.')),
      models: map('What it changed, by model.', text('Hash of what the model runs as since then.')),
      since: nullable(text('When it began to serve, ISO 8601.')),
      ms: count('For how long, in milliseconds.'),
      unwatched: flag('Who watched it was told to end.'),
      boot: nullable(text('The run of the machine in which it was applied.')),
    }),
  ),
  outdated: list('Keys of `daemon` that were edited since it began, and count only when it is started anew.', text('`daemon.git`')),
  conditions: list(
    'Statements about it.',
    object('One statement.', {
      type: oneOfWords('What it is about.', ['Ready', 'Reconciling', 'Stalled']),
      status: oneOfWords('Whether it holds.', ['True', 'False']),
      reason: text('For programs; an open set.'),
      message: text('For people.'),
    }),
  ),
});
