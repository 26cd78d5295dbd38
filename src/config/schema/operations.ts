import { WEEKDAYS } from '../../domain/policy.ts';
import type { JsonSchema } from '../../domain/backend.ts';
import { TROUBLE } from '../../domain/daemon-event.ts';
import { INDICATORS } from '../vocabulary.ts';
import { MODEL_NAME } from './names.ts';

const promptSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['source', 'model'],
  properties: {
    source: { 'x-kind': 'path', description: 'A dotprompt file.', examples: ['prompts/support.prompt'] },
    model: { type: 'string', description: 'The model that answers it: a name under `models`.' },
    tests: { 'x-kind': 'path', default: null, description: 'A promptfoo tests file, taken as it is. Absent: the prompt has no tests.' },
    gate: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'What the tests must reach before a change of prompt or model is applied.',
      properties: {
        passRate: { type: 'number', minimum: 0, maximum: 1, default: 0.9, description: 'Share of cases that must pass, from 0 to 1.' },
        minCases: {
          type: 'integer',
          minimum: 1,
          maximum: 1_000_000,
          default: 20,
          description: 'Fewer cases than this prove nothing: the gate then does not open.',
        },
      },
    },
  },
};

/** The map under `prompts:`. */
export const promptsSchema: JsonSchema = {
  type: 'object',
  default: {},
  description: 'Prompts as files with versions and tests, by name.',
  'x-inert': 'prompts are not acted on yet',
  'x-inert-each': true,
  propertyNames: { pattern: MODEL_NAME },
  additionalProperties: promptSchema,
};

const sloSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['service', 'indicator', 'objective'],
  properties: {
    service: { type: 'string', description: 'The model that is watched: a name under `models`.' },
    indicator: {
      type: 'object',
      additionalProperties: false,
      required: ['use'],
      description: 'What makes a request a good one.',
      properties: {
        use: {
          type: 'string',
          enum: INDICATORS,
          description: 'The signal: availability, time to first token, time per output token, tokens per second, ...',
        },
        threshold: {
          description:
            'A request is good up to this time (`ttft`, `tpot`, `e2e`) or from this rate in tokens per second (`throughput`). The other indicators need none.',
          default: null,
          anyOf: [{ 'x-kind': 'duration' }, { type: 'number', minimum: 0 }],
        },
      },
    },
    objective: {
      type: 'number',
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      description: 'Share of requests that must be good, between 0 and 1.',
      examples: [0.95],
    },
    window: { 'x-kind': 'duration', default: '7d', description: 'Rolling time over which the objective counts.' },
    actions: {
      type: 'array',
      default: [],
      description: 'What happens when the error budget burns.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['on', 'do'],
        properties: {
          on: { type: 'string', enum: ['page', 'ticket', 'budgetExhausted'], description: 'Fast burn, slow burn, or nothing left.' },
          do: {
            type: 'array',
            minItems: 1,
            items: { type: 'string', enum: ['alert', 'rollback', 'block'] },
            description: 'Tell people, go back to the last good generation, or refuse further changes.',
          },
        },
      },
    },
  },
};

/** The map under `slos:`. */
export const slosSchema: JsonSchema = {
  type: 'object',
  default: {},
  description: 'Service level objectives, by name.',
  'x-inert': 'objectives are not acted on yet',
  'x-inert-each': true,
  propertyNames: { pattern: MODEL_NAME },
  additionalProperties: sloSchema,
};

/** `gateway:` */
export const gatewaySchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'The one OpenAI-compatible address in front of all models.',
  'x-inert': 'the gateway is not acted on yet',
  properties: {
    listen: { 'x-kind': 'address', default: '127.0.0.1:8400', description: 'Address and port.' },
    keys: {
      'x-kind': 'secret',
      default: null,
      description: 'Where the hashed client keys are. None are needed on loopback.',
      examples: [{ file: 'keys.txt' }],
    },
  },
};

/** `22:00` */
const TIME_OF_DAY = '^([01]\\d|2[0-3]):[0-5]\\d$';

/** An entry of `daemon.notify`. */
const hookSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  properties: {
    url: {
      description:
        'Address of the webhook, by reference. It may be written out only if it lets nobody in: whoever knows the address of a Slack webhook can write to its channel.',
      examples: [{ env: 'SLACK_HOOK' }],
      'x-hook': true,
      anyOf: [{ 'x-kind': 'secret' }, { 'x-kind': 'url' }],
    },
    format: {
      type: 'string',
      enum: ['json', 'slack'],
      default: 'json',
      description: 'The event as it is, or as Slack and what understands it (Mattermost, Rocket.Chat) read it.',
    },
    on: {
      type: 'array',
      default: [TROUBLE],
      minItems: 1,
      items: { type: 'string', 'x-event': true },
      description: `What it is sent: types of events, globs (\`run.*\`, \`*\`), or \`${TROUBLE}\`: what needs somebody, or went wrong.`,
      examples: [[TROUBLE, 'run.finished']],
    },
    minInterval: {
      'x-kind': 'duration',
      default: '5m',
      description:
        'Of events that say the same, one is sent in this time, and the next one says how many were left out. `0s`: all are sent.',
    },
  },
};

/** `daemon:` */
export const daemonSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'What `llmops up` follows, and whom it tells: [daemon.md](daemon.md).',
  properties: {
    git: {
      type: 'object',
      additionalProperties: false,
      default: null,
      description:
        'Follow a branch and apply what arrives there. `{}` takes every default. Absent: the file is followed as it lies on disk. Read when the daemon begins: a change of it wants a new start.',
      properties: {
        remote: {
          type: 'string',
          pattern: '^[^\\s-]\\S*$',
          default: 'origin',
          description: 'A name that `git remote` lists, an address (ssh://, git@host:path, https://), a path, or `.`: the repository here.',
          examples: ['git@git.example.org:ops/models.git'],
        },
        branch: { type: 'string', pattern: '^[^\\s-]\\S*$', default: 'main', description: 'Branch to follow.' },
        poll: {
          'x-kind': 'duration',
          'x-least': '1s',
          default: '15s',
          description: 'How often the remote is asked, a fifth more or less; every second at most.',
        },
        verify: {
          type: 'string',
          enum: ['none', 'ssh', 'gpg'],
          default: 'none',
          description: 'Which signature the newest commit must carry to be followed; whose count, git is told on this machine.',
        },
        requireFastForward: {
          type: 'boolean',
          default: false,
          description: 'A branch whose history was rewritten is not followed. Without it that is told, and followed.',
        },
      },
    },
    webhook: {
      type: 'object',
      additionalProperties: false,
      required: ['listen'],
      default: null,
      description:
        'An address that a git server, or a hook, calls with POST after a push. What it sends is neither read nor believed: the daemon looks at its source, and nothing else. Read when the daemon begins.',
      properties: { listen: { 'x-kind': 'address', description: 'Address and port.', examples: ['127.0.0.1:8401'] } },
    },
    probe: {
      'x-kind': 'duration',
      'x-least': '1s',
      default: '5s',
      description:
        'How often the engines are looked at, so that what moved by itself is noticed. A copy that ends is noticed within a second. Read when the daemon begins.',
    },
    notify: {
      type: 'array',
      default: [],
      description: 'Webhooks that hear of what the daemon does: [notifications.md](notifications.md).',
      items: hookSchema,
    },
  },
};

/** An entry of `policy.windows`. */
const windowSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['from', 'to'],
  properties: {
    days: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', enum: [...WEEKDAYS] },
      default: [...WEEKDAYS],
      description: 'On which it opens.',
      examples: [['mon', 'tue', 'wed', 'thu']],
    },
    from: { type: 'string', pattern: TIME_OF_DAY, description: 'When it opens.', examples: ['22:00'] },
    to: { type: 'string', pattern: TIME_OF_DAY, description: 'When it closes; not after `from`: on the next day.', examples: ['06:00'] },
    timezone: {
      type: 'string',
      'x-timezone': true,
      default: null,
      description: 'Of the IANA database. Absent: that of the machine.',
      examples: ['Europe/Berlin'],
    },
  },
};

/** `policy:` */
export const policySchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description:
    'When the daemon may do what this file asks for. What crashed, or moved by itself, is put right at any time, and so is a way back.',
  properties: {
    windows: { type: 'array', default: [], items: windowSchema, description: 'Times at which changes may be made. None: at any time.' },
    approve: {
      type: 'string',
      enum: ['none', 'destructive', 'all'],
      default: 'none',
      description:
        'What waits for `llmops approve`: nothing, what deletes a model or takes it from its clients for a while (`destructive`), or every change.',
    },
  },
};

/** `retention:` */
export const retentionSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'How far one can go back without a network: what `llmops cache prune` leaves for earlier generations.',
  properties: {
    generations: {
      type: 'integer',
      minimum: 0,
      maximum: 100,
      default: 10,
      description: 'How many releases before the one in force keep their weights on this machine.',
    },
    weights: {
      'x-kind': 'size',
      default: null,
      description: 'Bytes of weights that are kept for them, beside those in force. Absent: no limit.',
      examples: ['200GiB'],
    },
  },
};
