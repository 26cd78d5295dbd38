import type { Schema } from './dsl.ts';
import { amount, count, exactly, flag, list, map, nullable, object, oneOfWords, ref, scalar, text, union } from './dsl.ts';

/** Definitions that several documents share. */
export const place = object(
  'A position in a text file.',
  {
    file: text('Path of the file as people should see it.'),
    line: { type: 'integer', minimum: 1, description: 'Line, counted from 1.' },
    column: { type: 'integer', minimum: 1, description: 'Column in UTF-16 units, counted from 1.' },
    endColumn: {
      type: 'integer',
      minimum: 1,
      description: 'Last column of the marked text plus one, on the same line. Absent: one character.',
    },
  },
  ['endColumn'],
);

export const problem = object(
  'Something wrong, said to a person and to a program.',
  {
    severity: oneOfWords('An `error` stops what was asked for.', ['error', 'warning', 'info']),
    code: text('Stable name of the problem, kebab-case. Programs match this and nothing else. An open set.'),
    summary: text('One sentence: what is wrong.'),
    expected: text('What would have been right there.'),
    fix: text('What to type or change next.'),
    place: ref('place', 'Where it is.'),
    model: text('Name of the one declared model that it is about. Absent: of more than one, or of none.'),
    excerpt: text('The line of text at `place`.'),
    details: list("Further lines for people: the last ones of an engine's log.", text('One line.')),
  },
  ['expected', 'fix', 'place', 'model', 'excerpt', 'details'],
);

export const memoryPool = object('Memory that instances of one backend share.', {
  kind: oneOfWords('Main memory, or memory of a graphics card.', ['ram', 'vram']),
  name: text('Name of the pool.'),
  totalBytes: count('Size in bytes.'),
  freeBytes: count('Free bytes when it was looked at.'),
});

export const foreign = object('Something that runs and is not ours: shown, never touched.', {
  backend: text('Name of the backend.'),
  id: text('What it is called there.'),
  model: nullable(text('The model it serves; null: it does not say.')),
  endpoint: nullable(text('Base URL; null: not known.')),
});

export const fields: Schema = map(
  'Settings of an instance, flat: `context`, `offload.gpuLayers`. Null: nobody said.',
  scalar('Value of the setting.'),
);

export const backendSpec = object('A backend as declared.', {
  name: text('Name in llmops.yaml.'),
  type: text('Kind of backend: llama.cpp, embedded.'),
  reserve: object('Memory to leave free on this machine.', {
    vramBytes: count('Bytes of graphics memory.'),
    ramBytes: count('Bytes of main memory.'),
  }),
  options: { type: 'object', description: 'Settings of this type of backend. Secrets stay references.' },
});

export const cost = object(
  'What a change costs. Null: not known, never zero by default.',
  {
    weightsBytes: count('Size of the weights in bytes.'),
    downloadBytes: count('Bytes that must be fetched first.'),
    resumedBytes: count('Bytes that an earlier run fetched and that are not fetched again. Absent: none.'),
    ready: object('For weights that were fetched ahead: when the model will answer. Absent: there is more to do first.', {
      ms: count('Milliseconds.'),
      from: oneOfWords('From an earlier start of this model, or from the size of its weights.', ['measured', 'estimated']),
    }),
    memory: object('Estimated memory in bytes.', {
      before: nullable(count('Before the change.')),
      after: nullable(count('After it.')),
      peak: nullable(count('While both copies run.')),
      pool: nullable(ref('memoryPool', 'The pool it comes from.')),
    }),
    downtime: oneOfWords('How long clients do without: not at all, one start of the engine, until it is created again, for good.', [
      'none',
      'one-start',
      'until-recreated',
      'ends',
    ]),
    drainMs: count('Longest wait for admitted requests, in milliseconds.'),
    activeRequests: nullable(count('Requests in flight when it was looked at.')),
    moves: flag('True: clients find it at another address afterwards. Absent: where they found it before.'),
  },
  ['resumedBytes', 'ready', 'moves'],
);

export const inert = object('Declared and valid, and not acted on by this version.', {
  path: text('Where it stands: `prompts.support`.'),
  reason: text('Why it is not acted on, in a few words.'),
  place: nullable(ref('place', 'Where it is declared.')),
});

export const pendingStep = object('A step that an earlier run began and did not finish.', {
  run: text('Identity of that run.'),
  step: text('Identity of the step.'),
  op: text('What it was to do.'),
  model: text('Name of the model.'),
  at: text('When it began, ISO 8601.'),
});

export const drift = object(
  'Something that was changed outside llmops since the last apply.',
  {
    model: text('Name of the model.'),
    backend: text('Name of the backend.'),
    instance: nullable(text('Identity of the instance; null: there is none.')),
    field: nullable(text('The setting; null: the whole instance.')),
    from: scalar('What was applied.'),
    to: scalar('What was found.'),
    reason: oneOfWords(
      '`runtime-reset` runs with something else than it was told, `unfulfilled` so from the start, because it cannot, `edited` was told something else, `gone` is not there, `crashed` ended by itself, `unexpected` should not exist, `unpublished` gets no clients.',
      ['runtime-reset', 'unfulfilled', 'edited', 'gone', 'crashed', 'unexpected', 'unpublished'],
    ),
    policy: oneOfWords('What llmops.yaml says to do about it.', ['correct', 'warn', 'ignore']),
    detail: text('One sentence for people.'),
    lastAliveAt: text('Of a copy that ended by itself: when it was last known to live, ISO 8601. Absent: not known.'),
  },
  ['lastAliveAt'],
);

export const summary = object(
  'How many models are affected, by kind of change.',
  {
    adopt: count('Models that are taken over. Absent: none.'),
    create: count('Models that are added.'),
    update: count('Models that are changed.'),
    replace: count('Models that become another model.'),
    delete: count('Models that are removed.'),
    keep: count('Models that stay as they are.'),
    blocked: count('Models that cannot be acted on.'),
    correctsDrift: count('How many of the changes only correct drift.'),
  },
  ['adopt'],
);

export const fact = object('Something that a step relies on or leaves.', {
  instance: text('Identity of the instance.'),
  backend: text('Name of the backend.'),
  is: oneOfWords('What holds for it.', ['absent-or-same', 'same', 'same-or-absent', 'serving', 'absent']),
  specHash: nullable(text('The spec that "same" means.')),
});

export const remoteFile = object('One file, known by its content.', {
  path: text('Path in its repository, else a file name.'),
  bytes: count('Size.'),
  sha256: text('Digest, hex.'),
});

export const origin = union('Where files are fetched from, pinned.', [
  object('A repository of the Hugging Face Hub at a commit.', {
    kind: exactly('Kind of origin.', 'hf'),
    repo: text('`owner/name`.'),
    commit: text('Commit, 40 hex digits.'),
  }),
  object('A file behind an address.', { kind: exactly('Kind of origin.', 'https'), url: text('The address.') }),
  object(
    'A model in an Ollama registry.',
    {
      kind: exactly('Kind of origin.', 'ollama'),
      host: text('Host of the registry, with its port if there is one.'),
      name: text('`namespace/model`.'),
      tag: text('What is asked for: nothing can be pulled by digest there.'),
      access: exactly('It is not to be had without a login. Absent: everybody may have it.', 'login'),
    },
    ['access'],
  ),
]);

export const weights = object(
  'Weights of one model.',
  {
    path: text('Absolute path of the (first) file.'),
    sha256: text('Digest, hex.'),
    bytes: count('Size.'),
    remote: object('Where they come from. Absent: a file of this machine.', {
      origin: ref('origin', 'Where they are fetched from.'),
      manifest: nullable(text('SHA-256 of the manifest in an Ollama registry, hex.')),
      files: list('All of it, in the order of its parts.', ref('remoteFile', 'One file.')),
    }),
  },
  ['remote'],
);

export const instanceSpec = object(
  'Everything that a driver needs to start one instance.',
  {
    id: text('Identity: `<model>-<specHash>`.'),
    stack: text('Name of the stack.'),
    backend: text('Name of the backend.'),
    model: text('Name of the model.'),
    specHash: text('First 12 hex digits of SHA-256 over the settings that shape a process.'),
    fields: ref('fields', 'Its settings.'),
    weights: ref('weights', 'Its weights.'),
    attachments: {
      type: 'object',
      description: 'SHA-256 (hex) of files that the options name, by path. Absent: none.',
      additionalProperties: { type: 'string' },
    },
    options: { type: 'object', description: "This backend's own settings for a model." },
  },
  ['attachments'],
);

export const fieldChange = object('One setting that changes.', {
  field: text('Name of the setting.'),
  from: scalar('Value before.'),
  to: scalar('Value after. Null: the engine decides.'),
  price: ref('price', 'What changing it costs.'),
  place: nullable(ref('place', 'Where the new value is declared.')),
});

export const price = oneOfWords(
  'Cost class, mildest first: nothing stops, new requests wait, the process starts anew, bytes are fetched as well, it becomes another model.',
  ['live', 'drain', 'restart', 'pull', 'replace'],
);

/** Marks a change that nobody wrote down. */
export const endedBy = oneOfWords('What ended all that was applied. Absent: something is applied.', ['down', 'destroy']);
export const correctsDrift = flag('True if nothing in llmops.yaml asked for it: the world moved.');

/** Progress of a step. */
export const amountDone = amount('In the unit of the message.');

/** A list of names. */
export const names = (description: string): Schema => list(description, text('A name.'));
