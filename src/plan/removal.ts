import { USUAL_DRAIN_MS } from '../domain/observed.ts';
import type { ModelSpec } from '../domain/desired.ts';
import type { Problem } from '../domain/problem.ts';
import { intended } from './causes.ts';
import { goneBackend, protectedModel, unknownCopy, unseenBackend } from './obstacles.ts';
import type { Context } from './sight.ts';
import type { Blocked, Removal } from './verdict.ts';
import { placeOf } from './wish.ts';

/**
 * Takes a model of ours down. `model` is its declaration, if it still has one (`down`, `destroy`). Whoever asks for all
 * of ours to end means copies that do not answer too: their mark says whose they are. A deletion that merely follows
 * from a missing declaration leaves those alone.
 */
export function judgeRemoval(context: Context, name: string, model: ModelSpec | null): Blocked | Removal {
  const { input, world } = context;
  const copies = world.ours.get(name) ?? [];
  const applied = input.inventory.models[name] ?? null;
  const backend = copies[0]?.backend ?? applied?.backend ?? model?.backend ?? '';
  const place = placeOf(input.desired, name);
  const cause = intended(reasonFor(context, model !== null, copies.length > 0), place);
  const problem = obstacleTo(context, name, model);
  const none = { wish: null, drift: [], failedBefore: null };
  if (problem !== null) return { kind: 'blocked', model: name, backend, problems: [problem], ...none, ...cause };
  return {
    kind: 'remove',
    model: name,
    backend,
    copies,
    applied,
    endpoint: input.inventory.endpoints[name] ?? null,
    // A model that is taken out of the file keeps the promise that the file made.
    drainMs: model?.rollout.drainMs ?? applied?.drainMs ?? USUAL_DRAIN_MS,
    ...cause,
  };
}

function reasonFor({ input }: Context, declared: boolean, runs: boolean): string {
  if (input.mode === 'down') return 'llmops down stops everything that this stack started';
  if (input.mode === 'destroy') return 'llmops destroy removes everything that this stack made';
  if (declared) return 'it is to be removed';
  return `it is not declared in ${input.desired.file} any more${runs ? '' : ', and nothing of it runs'}`;
}

function obstacleTo({ input, world }: Context, name: string, model: ModelSpec | null): Problem | null {
  const copies = world.ours.get(name) ?? [];
  const applied = input.inventory.models[name] ?? null;
  const place = placeOf(input.desired, name, 'protect');
  if (input.mode !== 'down' && (model?.protect ?? applied?.protect ?? false)) return protectedModel(name, place);
  if (applied !== null && !world.specs.has(applied.backend)) return goneBackend(name, applied);
  if (applied !== null && world.backends.get(applied.backend)?.status !== 'reachable') {
    return unseenBackend(name, applied.backend, world.backends.get(applied.backend), place);
  }
  const unknown = copies.find((copy) => copy.phase === 'unknown');
  return unknown === undefined || input.mode !== 'apply' ? null : unknownCopy(unknown, name, 'error', false);
}
