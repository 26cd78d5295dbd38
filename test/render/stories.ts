import type { Plan } from '../../src/domain/plan.ts';
import {
  at,
  blocked,
  cost,
  create,
  DIGEST_A,
  DIGEST_B,
  fieldChange,
  keep,
  plan,
  planned,
  remove,
  step,
  surgeSteps,
  update,
} from './plans.ts';

/** One plan for each thing that a plan can say; the golden files show how it is said. */
export const STORIES: Readonly<Record<string, Plan>> = {
  'nothing to do': plan({
    changes: [keep({ model: 'chat' }), keep({ model: 'embed', unverified: ['kvCache'] })],
    summary: { create: 0, update: 0, replace: 0, delete: 0, keep: 2, blocked: 0, correctsDrift: 0 },
  }),
  'first apply': plan({
    baseline: null,
    changes: [create()],
    steps: surgeSteps('draft').slice(0, 3),
    summary: { create: 1, update: 0, replace: 0, delete: 0, keep: 0, blocked: 0, correctsDrift: 0 },
  }),
  'one context changes, new before old': plan({
    changes: [update()],
    steps: surgeSteps('chat'),
    summary: { create: 0, update: 1, replace: 0, delete: 0, keep: 0, blocked: 0, correctsDrift: 0 },
  }),
  'a bit of everything': everything(),
  'drift that is left alone': plan({
    drift: [drifted({ policy: 'warn' })],
    changes: [keep({ model: 'embed' })],
  }),
  'destroy everything': plan({
    mode: 'destroy',
    changes: [remove({ cause: '`llmops destroy` was typed' })],
    steps: [step('legacy', { op: 'withdraw' }), step('legacy', { op: 'stop', specHash: null, process: null }, ['legacy.withdraw'])],
    summary: { create: 0, update: 0, replace: 0, delete: 1, keep: 0, blocked: 0, correctsDrift: 0 },
  }),
  'refresh only': plan({ mode: 'refresh-only', drift: [drifted({})] }),
  'a problem in the way': plan({
    changes: [keep({ model: 'chat' })],
    problems: [
      {
        severity: 'warning',
        code: 'context-over-training',
        summary: 'chat asks for 8192 tokens; the model was trained for 1024',
        place: at(15),
      },
      {
        severity: 'error',
        code: 'weights-changed',
        summary: 'models/desk-Q8_0.gguf is not the file that sha256 names',
        expected: 'sha256:8d1f0c2a…',
        fix: 'restore the file, or change sha256',
        place: at(12),
      },
    ],
  }),
};

function drifted(over: Partial<Plan['drift'][number]>): Plan['drift'][number] {
  const base = { model: 'embed', backend: 'local', instance: 'embed-0123456789ab', field: 'context', from: 8192, to: 2048 } as const;
  return { ...base, reason: 'runtime-reset', policy: 'correct', detail: 'The engine was told 8192 and runs with 2048.', ...over };
}

function everything(): Plan {
  const digests = fieldChange({ field: 'digest', from: DIGEST_A, to: DIGEST_B, price: 'replace', place: null });
  const source = fieldChange({
    field: 'source',
    from: 'file:models/desk-Q4_K_M.gguf',
    to: 'file:models/desk-Q8_0.gguf',
    price: 'replace',
    place: at(12),
  });
  return plan({
    environment: 'prod',
    file: 'stacks/home/llmops.yaml',
    backends: [
      planned('local', { instances: 3 }),
      planned('demo', { type: 'embedded', engine: 'node-llama-cpp 3.21.1' }),
      planned('spare', { status: 'unreachable', engine: null }),
    ],
    drift: [
      drifted({}),
      drifted({ model: 'tiny', field: null, from: null, to: null, reason: 'crashed', detail: 'It ended by itself with exit code 134.' }),
    ],
    changes: [
      update({
        fields: [source, digests, fieldChange()],
        price: 'replace',
        cost: cost({ activeRequests: 3, moves: true }),
        unverified: ['kvCache'],
      }),
      create(),
      update({
        model: 'embed',
        replacement: 'swap',
        replacementReason: 'both do not fit: 21.2 of 18.0 GiB RAM',
        correctsDrift: true,
        cause: 'the engine runs with 2048 although it was told 8192',
        fields: [fieldChange({ from: 2048, to: 8192, place: at(31) })],
        cost: cost({ downtime: 'one-start', activeRequests: null, moves: true }),
      }),
      remove(),
      keep(),
      blocked(),
    ],
    steps: [
      ...surgeSteps('chat'),
      ...surgeSteps('draft').slice(0, 3),
      step('embed', { op: 'drain' }),
      step('legacy', { op: 'withdraw' }),
      step('legacy', { op: 'drain' }, ['legacy.withdraw']),
      step('legacy', { op: 'stop', specHash: null, process: null }, ['legacy.drain']),
    ],
    foreign: [
      { backend: 'local', id: 'pid-77', model: 'llama3', endpoint: null },
      { backend: 'local', id: 'pid-78', model: null, endpoint: 'http://127.0.0.1:9000' },
    ],
    inert: [
      { path: 'prompts.support', reason: 'prompts are not acted on yet', place: at(50) },
      { path: 'models.chat.fallback', reason: 'fallbacks are not acted on yet', place: at(18) },
    ],
    interrupted: [{ run: 'r1', step: 'chat.start', op: 'start', model: 'chat', at: '2026-03-02T10:14:09.000Z' }],
    summary: { create: 1, update: 1, replace: 1, delete: 1, keep: 1, blocked: 1, correctsDrift: 1 },
  });
}
