import type { PolicySpec } from '../../../src/domain/policy.ts';
import type { ModelTold } from '../../world/stack.ts';
import { FAULTS } from './engine.ts';
import type { Random } from './random.ts';
import { ENGINES, type Told } from './stacks.ts';

/** Something that happens to a world, and when: milliseconds from its beginning. */
export type Command = { readonly at: number } & (
  | { readonly do: 'push'; readonly told: Told | 'invalid' | 'unsigned' | 'revert'; readonly rewrites: boolean; readonly heard: boolean }
  | { readonly do: 'delete-copy' | 'kill-copy' | 'edit-copy' | 'lose-copy'; readonly which: number; readonly forMs: number }
  | { readonly do: 'meddle'; readonly which: number; readonly everyMs: number; readonly forMs: number }
  | { readonly do: 'engine-away' | 'engine-restarts'; readonly which: number; readonly forMs: number }
  | { readonly do: 'source-away' | 'disk-full' | 'lease-taken'; readonly forMs: number }
  | { readonly do: 'die'; readonly acts: number; readonly forMs: number }
  | { readonly do: 'jump'; readonly byMs: number }
  | { readonly do: 'suspend'; readonly model: string | null; readonly forMs: number | null; readonly heard: boolean }
  | { readonly do: 'resume' | 'rollback' | 'approve' | 'nudge'; readonly heard: boolean }
);

const NAMES = ['a', 'b', 'c', 'd'];
const DAY_MS = 86_400_000;
const EVERY_DAY = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** What happens in one world: a beginning, and then anything. */
export function storyOf(random: Random): readonly Command[] {
  const story: Command[] = [{ at: 0, do: 'push', told: stackOf(random, false), rewrites: false, heard: true }];
  const [count, span] = [random.between(2, 14), random.between(30_000, 500_000)];
  for (let n = 0; n < count; n += 1) story.push(commandOf(random, random.between(0, span)));
  return story.toSorted((one, other) => one.at - other.at);
}

function commandOf(random: Random, at: number): Command {
  const [which, heard, forMs] = [random.between(0, 8), random.chance(0.8), random.between(500, 90_000)];
  const kind = random.pick([...COMMON, ...COMMON, ...RARE]);
  switch (kind) {
    case 'push':
      return { at, do: kind, told: pushedBy(random), rewrites: random.chance(0.2), heard };
    case 'meddle':
      return { at, do: kind, which, everyMs: random.between(2000, 30_000), forMs: random.between(60_000, 400_000) };
    case 'die':
      return { at, do: kind, acts: random.chance(0.3) ? 0 : random.between(1, 40), forMs: random.between(100, 20_000) };
    case 'jump':
      return { at, do: kind, byMs: random.pick([DAY_MS, -DAY_MS, 3_600_000, -60_000]) };
    case 'suspend':
      return { at, do: kind, model: random.chance(0.5) ? null : random.pick(NAMES), forMs: random.chance(0.6) ? forMs : null, heard };
    case 'resume':
    case 'rollback':
    case 'approve':
    case 'nudge':
      return { at, do: kind, heard };
    case 'source-away':
    case 'disk-full':
    case 'lease-taken':
      return { at, do: kind, forMs };
    default:
      return { at, do: kind, which, forMs };
  }
}

const COMMON = ['push', 'push', 'die', 'die', 'kill-copy', 'delete-copy', 'edit-copy', 'engine-away', 'rollback', 'resume'] as const;
const RARE = [
  'lose-copy',
  'meddle',
  'engine-restarts',
  'source-away',
  'disk-full',
  'lease-taken',
  'jump',
  'suspend',
  'approve',
  'approve',
  'nudge',
] as const;

function pushedBy(random: Random): Extract<Command, { do: 'push' }>['told'] {
  const chance = random.next();
  if (chance < 0.1) return 'invalid';
  if (chance < 0.18) return 'unsigned';
  if (chance < 0.3) return 'revert';
  return stackOf(random, true);
}

function stackOf(random: Random, mayFail: boolean): Told {
  const names = random.chance(0.1) ? [] : NAMES.filter(() => random.chance(0.6));
  const models = Object.fromEntries(names.map((name) => [name, modelOf(random, mayFail)]));
  return random.chance(0.2) ? { models, policy: policyOf(random) } : { models };
}

function modelOf(random: Random, mayFail: boolean): ModelTold {
  const fault = mayFail && random.chance(0.15) ? { fail: random.pick(FAULTS) } : {};
  const strategy = random.pick(['auto', 'auto', 'swap'] as const);
  return {
    backend: random.pick(ENGINES),
    context: random.pick([1024, 2048]),
    options: { ...fault, tag: random.pick(['x', 'y']) },
    rollout: { strategy, holdMs: 0, drainMs: 5000, bakeMs: random.pick([0, 60_000]) },
  };
}

function policyOf(random: Random): PolicySpec {
  const [hour, length] = [random.pick([9, 10, 14]), random.pick([10, 120])];
  const window = { days: EVERY_DAY, from: hour * 60 + random.between(0, 20), to: 0, timezone: 'UTC' };
  const windows = random.chance(0.6) ? [{ ...window, to: window.from + length }] : [];
  return { windows, approve: random.pick(['none', 'destructive', 'all']) };
}
