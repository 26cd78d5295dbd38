import type { JournalStep, RunHeader } from '../../src/domain/ledger.ts';
import type { Plan } from '../../src/domain/plan.ts';

const plan: Plan = {
  formatVersion: '1.0',
  stack: 'told',
  file: 'llmops.yaml',
  environment: null,
  mode: 'apply',
  revision: 'r',
  baseline: null,
  basis: 'b',
  targets: [],
  backends: [
    {
      spec: { name: 'local', type: 'world', reserve: { vramBytes: 0, ramBytes: 0 }, options: {} },
      status: 'reachable',
      engine: null,
      instances: 0,
    },
  ],
  drift: [],
  changes: [],
  steps: [],
  foreign: [],
  inert: [],
  interrupted: [],
  problems: [],
  summary: { create: 0, update: 0, replace: 0, delete: 0, keep: 0, blocked: 0, correctsDrift: 0 },
};

/** What a run is told before it begins. */
export function header(more: Partial<Plan> = {}): RunHeader {
  return {
    plan: { ...plan, ...more },
    who: 'tester@here',
    source: { file: '/x/llmops.yaml', text: 'version: 1\n', commit: null },
    now: () => '2026-01-01T00:00:00.000Z',
  };
}

export function step(model: string, op: string): JournalStep {
  return { id: `${model}.${op}`, op, model, instance: `${model}-1` };
}
