import { daemon, held } from './daemon.ts';
import * as common from './common.ts';
import { count, document, exactly, flag, list, nullable, object, oneOfWords, ref, scalar, text } from './dsl.ts';

const condition = object('A statement that holds, does not, or cannot be judged.', {
  type: oneOfWords('What is stated.', ['Ready', 'Drifted', 'Blocked', 'Synced']),
  status: oneOfWords('Whether it holds.', ['True', 'False', 'Unknown']),
  reason: text('For programs: one word, an open set.'),
  message: text('For people.'),
});

const backend = object('A backend as it was found.', {
  name: text('Name in llmops.yaml.'),
  type: text('Kind of backend.'),
  status: oneOfWords('Whether it answered.', ['reachable', 'unreachable']),
  engine: nullable(text('Program and version for people; null: absent or not known.')),
  memory: list('Its memory.', ref('memoryPool', 'One pool.')),
  problem: nullable(ref('problem', 'What is wrong with it.')),
});

const side = (description: string) => scalar(`${description} Absent: nobody can say.`);
const setting = object(
  'One setting, three times.',
  {
    field: text('Name of the setting.'),
    desired: side('What llmops.yaml asks for; null: the engine decides.'),
    configured: side('What the engine was told; null: it was not told.'),
    loaded: side('What the engine says is in force; null: it does not tell.'),
  },
  ['desired', 'configured', 'loaded'],
);

const model = object(
  'One model.',
  {
    name: text('Its name.'),
    backend: text('Name of its backend.'),
    state: oneOfWords(
      'The whole picture in one word. `outdated`: the file asks for something else now. `unsettled`: it runs as declared, and llmops has its own part left to do: send clients to it, end a left-over copy, or record it.',
      ['ready', 'starting', 'drifted', 'outdated', 'unsettled', 'failed', 'absent', 'removed', 'blocked', 'unknown'],
    ),
    phase: oneOfWords('What its instance does.', ['starting', 'serving', 'failed', 'unknown', 'absent']),
    instance: nullable(
      text('Identity of the copy that counts most: one that serves, then the one that clients are sent to, then the newest.'),
    ),
    copies: common.names('Further instances of ours that serve this model.'),
    endpoint: nullable(text('Where it answers.')),
    published: flag('True if clients are sent to this instance, at its present address.'),
    settings: list('Its settings, sorted by name.', ref('setting', 'One setting.')),
    why: nullable(text('Why it is not ready; null for a ready one.')),
    fix: nullable(text('What to type or change next.')),
    startedAt: nullable(text('When its process started, ISO 8601.')),
    lastAliveAt: text('Of one that has ended: when it was last known to live, ISO 8601. Absent: it lives, or that is not known.'),
    retry: object('What supervises is about to start it anew. Absent: that is not so.', {
      times: count('How often it ended, or was tried in vain, since it last ran for a while.'),
      nextAt: text('When it is started next, ISO 8601.'),
      why: text('What happened to it.'),
    }),
    memoryBytes: nullable(count('Resident memory in bytes.')),
    activeRequests: nullable(count('Requests being worked on.')),
    generation: nullable(count('Generation in which it was last applied.')),
    conditions: list('Its conditions.', ref('condition', 'One condition.')),
  },
  ['lastAliveAt', 'retry'],
);

const root = object('The document of `llmops status --json`. Minor versions only add members: ignore what you do not know.', {
  formatVersion: exactly('Version of this format.', '1.0'),
  stack: text('Name of the stack.'),
  file: nullable(text('Path of llmops.yaml; null: it could not be read.')),
  environment: nullable(text('Environment overlay in force.')),
  at: text('When this was looked at, ISO 8601.'),
  revision: nullable(text('SHA-256 over the meaning of the file, hex.')),
  applied: nullable(
    object(
      'The last applied generation.',
      {
        generation: count('Its number.'),
        at: nullable(text('When, ISO 8601.')),
        revision: nullable(text('SHA-256 over the meaning of the file that was applied.')),
        endedBy: common.endedBy,
      },
      ['endedBy'],
    ),
  ),
  holder: nullable(text('Who is changing the stack right now.')),
  supervisor: nullable(
    object('What stays and starts anew what crashes: `llmops apply --supervise`. Null: nothing does.', {
      pid: count('Its process.'),
      who: text('Whose it is: `alice@gpu-box`.'),
      since: text('Since when, ISO 8601.'),
    }),
  ),
  daemon: nullable(daemon),
  held: nullable(object('What the next `llmops up` will heed; null: one runs and tells it, or nothing is held.', held)),
  backends: list('What was looked at.', ref('backend', 'One backend.')),
  models: list('Declared, applied before, or running as ours; sorted by name.', ref('model', 'One model.')),
  foreign: list('What runs and is not ours.', ref('foreign', 'One of them.')),
  conditions: list('Conditions of the whole stack.', ref('condition', 'One condition.')),
  summary: object('How many models.', {
    declared: count('Declared in llmops.yaml.'),
    ready: count('Of these, serving clients as declared: `ready`, or `unsettled` and published.'),
    serving: count('Of these, answering clients at all, as declared or not.'),
  }),
});

const { foreign, memoryPool, place, problem } = common;

/** schemas/status.schema.json */
export const statusSchema = document('status', 'The status of an llmops stack', root, {
  backend,
  condition,
  foreign,
  memoryPool,
  model,
  place,
  problem,
  setting,
});
