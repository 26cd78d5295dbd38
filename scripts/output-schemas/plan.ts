import { OPS, type Op } from '../../src/domain/plan.ts';
import * as common from './common.ts';
import type { Schema } from './dsl.ts';
import { count, document, exactly, flag, list, nullable, object, oneOfWords, ref, text, union } from './dsl.ts';

function change(action: string, description: string, members: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const all = {
    action: exactly('Kind of change.', action),
    model: text('Name of the model.'),
    backend: text('Name of the backend.'),
    wish: nullable(ref('wished', 'What it shall run as; null: it shall not run, or its weights could not be resolved.')),
    cause: text('The sentence after "because".'),
    place: nullable(ref('place', 'Where a person can look.')),
    correctsDrift: common.correctsDrift,
    failedBefore: ref('failedBefore', 'The last start of exactly this failed. Absent: it did not, or nothing would be started.'),
    ...members,
  };
  return object(description, all, ['failedBefore', ...optional]);
}

const failedBefore = object('A start that failed.', {
  generation: count('Generation in which it was tried.'),
  at: text('When, ISO 8601.'),
  code: text('Stable name of the problem.'),
  summary: text('What went wrong.'),
});

const wished = object('What a model shall run as, whatever runs now.', {
  specHash: text('Hash of the spec.'),
  instance: text('Identity of the instance that has these settings.'),
  fields: ref('fields', 'The settings that somebody set; one that is absent is left to the engine.'),
});

const unmanaged = object('A copy that somebody else started and that runs as a declared model should.', {
  instance: text('Its identity.'),
  endpoint: nullable(text('Its base URL.')),
  pid: nullable(count('Its process, where it is one of its own.')),
});

const unchanged = count('Settings that stay.');
const unverified = common.names(
  'Settings that the engine does not tell and of which no record exists, and secrets that could not be compared.',
);
const fieldChanges = list('The settings that change.', ref('fieldChange', 'One of them.'));
const cost = ref('cost', 'What it costs.');
const waits = text('What of other models it waits for, and why. Absent: for nothing.');

const changes = union('What happens to one model.', [
  change(
    'keep',
    'It was considered, and nothing is to do.',
    { unchanged, unverified, unmanaged: ref('unmanaged', 'Whose copy it is: somebody else started it. Absent: it is ours.') },
    ['unmanaged'],
  ),
  change('adopt', 'It runs as declared, somebody else started it, and it becomes ours as it is.', {
    from: ref('unmanaged', 'What is taken over.'),
    unchanged,
    unverified,
    cost,
  }),
  change('create', 'It is started for the first time, or again.', { fields: fieldChanges, cost, waits }, ['waits']),
  change(
    'update',
    'It runs, and with other settings afterwards.',
    {
      price: ref('price', 'The dearest of its settings.'),
      replacement: nullable(oneOfWords('`surge` new before old, `swap` old before new; null: in place.', ['surge', 'swap'])),
      replacementReason: nullable(text('Why so.')),
      fields: fieldChanges,
      unchanged,
      unverified,
      cost,
      waits,
    },
    ['waits'],
  ),
  change('delete', 'It is stopped and not started again.', { cost }),
  change(
    'blocked',
    'It cannot be acted on and is left as it is.',
    {
      problem: ref('problem', 'What stands in the way.'),
      others: list('What else does. Absent: nothing.', ref('problem', 'One of it.')),
      withdraws: text(
        'Address to which no client is sent any more, because the copy there has ended. Absent: clients are left where they are.',
      ),
    },
    ['others', 'withdraws'],
  ),
]);

/** What a kind of step does, what it says beside what all say, and which of that may be absent. */
type Act = readonly [description: string, members: Readonly<Record<string, Schema>>, optional?: readonly string[]];

function step(op: Op, ...[description, members, optional = []]: Act): Schema {
  const all = {
    op: exactly('What it does.', op),
    id: text('Identity, unique in the plan: `chat.start`.'),
    after: common.names('Steps that must be done before.'),
    model: text('Name of the model.'),
    backend: text('Name of the backend.'),
    instance: text('Identity of the instance.'),
    cause: text('Why.'),
    relies: list('Checked right before it acts.', ref('fact', 'One fact.')),
    leaves: list('Checked after it acted.', ref('fact', 'One fact.')),
    deadlineMs: count('How long it may take, in milliseconds.'),
    ...members,
  };
  return object(description, all, optional);
}

const process = object('The process that is meant.', {
  pid: count('Its number.'),
  started: text('Opaque; equal exactly for the same process of the same boot.'),
});
const applied = object(
  'What is recorded as applied.',
  {
    backend: text('Name of the backend.'),
    specHash: text('Hash of the spec.'),
    fields: ref('fields', 'Its settings.'),
    spec: ref('instanceSpec', 'What it was started from; it is put back if its successor fails.'),
    protect: { type: 'boolean', description: 'True: a plan that would delete it is refused.' },
    drainMs: count('How long its requests may take when it is taken down, in milliseconds.'),
  },
  ['spec', 'drainMs'],
);
const restore = object('Old before new: what is put back if this step fails.', {
  spec: ref('instanceSpec', 'What served before.'),
  deadlineMs: count('How long it may take to answer again, in milliseconds.'),
});

/** A kind of step that is not described here does not compile. */
const acts: Readonly<Record<Op, Act>> = {
  adopt: [
    "Takes a copy of somebody else's over as it runs.",
    {
      spec: ref('instanceSpec', 'What it runs as.'),
      copy: text('Identity of what is taken over.'),
      process: nullable(process),
    },
  ],
  fetch: [
    'Brings files of weights to this machine and verifies them.',
    { origin: ref('origin', 'Where they come from.'), files: list('What is fetched.', ref('remoteFile', 'One file.')) },
  ],
  pull: ["Brings weights into an engine's own store.", { weights: ref('weights', 'What is brought there.') }],
  start: ['Starts the process.', { spec: ref('instanceSpec', 'What is started.'), restore }, ['restore']],
  probe: [
    'Waits until it answers, lets it generate, reads its settings back.',
    {
      spec: ref('instanceSpec', 'What it must run with.'),
      onFailure: oneOfWords('What becomes of the new copy if it does not answer.', ['stop', 'leave']),
      tolerates: list(
        'Fields of a copy that runs already which may be otherwise: `drift` says to leave them. Absent: none.',
        text('A field.'),
      ),
      restore,
    },
    ['restore', 'tolerates'],
  ],
  publish: ['Sends clients to this instance.', {}],
  withdraw: ['Stops sending clients there.', {}],
  drain: [
    'Waits until admitted requests are done, or the deadline has passed.',
    {
      open: flag('True: clients find it there all the while, and what comes in later is not waited for. Absent: they are sent elsewhere.'),
    },
    ['open'],
  ],
  stop: [
    'Ends the process and its whole group.',
    { specHash: nullable(text('Hash of its spec; null: not known.')), process: nullable(process) },
  ],
  record: ['Records what was applied, or forgets it.', { applied: nullable(applied) }],
};

const steps = union(
  'One atomic act.',
  OPS.map((op) => step(op, ...acts[op])),
);

const plannedBackend = object('A backend as the plan saw it.', {
  spec: ref('backendSpec', 'As declared.'),
  status: oneOfWords('Whether it answered.', ['reachable', 'unreachable']),
  engine: nullable(text('Program and version for people.')),
  instances: count('Instances that were seen on it.'),
});

const root = object(
  'The document of `llmops plan --json`, and the plan inside a file written by `llmops plan --out`. Minor versions only add members: ignore what you do not know.',
  {
    formatVersion: exactly('Version of this format.', '1.0'),
    stack: text('Name of the stack.'),
    file: text('Path of llmops.yaml.'),
    environment: nullable(text('Environment overlay in force.')),
    mode: oneOfWords('What was asked for.', ['apply', 'prefetch', 'destroy', 'down', 'refresh-only']),
    revision: text('SHA-256 over the meaning of the file, hex.'),
    baseline: nullable(
      object(
        'The generation that the plan starts from.',
        { generation: count('Its number.'), at: text('When it was applied, ISO 8601.'), endedBy: common.endedBy },
        ['endedBy'],
      ),
    ),
    basis: text('SHA-256 over what was seen and relied on; a plan whose basis moved is refused as stale.'),
    targets: common.names('Models that the plan is limited to; empty: the whole stack.'),
    backends: list('What was looked at.', ref('plannedBackend', 'One backend.')),
    drift: list('What was changed outside llmops.', ref('drift', 'One difference.')),
    changes: list('One entry for every model that was considered, sorted by name.', ref('change', 'One model.')),
    steps: list('In an order in which each stands after the ones it waits for.', ref('step', 'One step.')),
    foreign: list('What runs and is not ours.', ref('foreign', 'One of them.')),
    inert: list('What is declared and not acted on.', ref('inert', 'One of them.')),
    inertModels: common.names('Models among `inert`. Absent: none.'),
    interrupted: list('Steps that an earlier run began and did not finish.', ref('pendingStep', 'One step.')),
    problems: list('What is wrong with the plan as a whole.', ref('problem', 'One problem.')),
    summary: ref('summary', 'The counts.'),
  },
  ['inertModels'],
);

const {
  place,
  problem,
  memoryPool,
  foreign,
  fields,
  backendSpec,
  cost: costs,
  inert,
  pendingStep,
  drift,
  summary,
  fact,
  instanceSpec,
  origin,
  remoteFile,
  weights,
  fieldChange,
  price,
} = common;

/** schemas/plan.schema.json */
export const planSchema = document('plan', 'A plan of llmops', root, {
  plannedBackend,
  change: changes,
  step: steps,
  backendSpec,
  cost: costs,
  drift,
  fact,
  failedBefore,
  fieldChange,
  fields,
  foreign,
  inert,
  instanceSpec,
  memoryPool,
  origin,
  pendingStep,
  place,
  price,
  problem,
  remoteFile,
  summary,
  unmanaged,
  weights,
  wished,
});
