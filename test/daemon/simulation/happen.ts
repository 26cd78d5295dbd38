import { approve, resume, rollBack, suspend, type Holds } from '../../../src/domain/holds.ts';
import { releaseOfGeneration } from '../../../src/stack/release.ts';
import { listGenerations } from '../../../src/state/index.ts';
import type { Command } from './commands.ts';
import type { Daemon } from './daemon.ts';
import type { Engine } from './engine.ts';
import { DIR } from './stacks.ts';
import { changeHoldsOn } from './state.ts';
import type { World } from './world.ts';

/** A world in which things happen. */
export interface Scene {
  readonly world: World;
  /** The one that lives; null: none does just now. */
  readonly daemon: () => Daemon | null;
  /** It dies, at the n-th act from now (0: at once), and comes again after so long. */
  readonly kill: (acts: number, forMs: number) => void;
}

type Of<K extends Command['do']> = Extract<Command, { readonly do: K }>;
type Order = Extract<Command, { readonly heard: boolean; readonly do: 'suspend' | 'resume' | 'approve' | 'rollback' | 'nudge' }>;

/** Lets it happen. */
export async function happen(command: Command, scene: Scene): Promise<void> {
  const { world, daemon, kill } = scene;
  switch (command.do) {
    case 'push':
      return push(command, scene);
    case 'die':
      return kill(command.acts, command.forMs);
    case 'jump':
      world.time.wallAheadMs += command.byMs;
      return;
    case 'nudge':
      return daemon()?.nudge();
    case 'suspend':
    case 'resume':
    case 'approve':
    case 'rollback':
      return order(command, scene);
    case 'source-away':
      return forAWhile(world, command.forMs, (isAway) => (world.repository.isAvailable = !isAway));
    case 'disk-full':
      return forAWhile(world, command.forMs, (isFull) => world.fillDisk(isFull));
    case 'lease-taken': {
      const lease = world.desk.take('alice', null);
      world.time.after(command.forMs, () => lease?.release());
      return;
    }
    default:
      return toEngine(command, world);
  }
}

function forAWhile({ time }: World, ms: number, set: (isOn: boolean) => void): void {
  set(true);
  time.after(ms, () => set(false));
}

async function push({ told, rewrites, heard }: Of<'push'>, { world, daemon }: Scene): Promise<void> {
  const { repository, random } = world;
  const { text } = told === 'revert' && repository.commits.length > 0 ? random.pick(repository.commits) : { text: '{"models":{}}' };
  const declared = typeof told === 'string' ? (told === 'invalid' ? 'models: [' : text) : JSON.stringify(told);
  repository.push(declared, { isSigned: told !== 'unsigned', rewrites });
  if (heard) await daemon()?.look();
}

/** What people do by hand, and that the daemon is told of it, most often. */
async function order(command: Order, scene: Scene): Promise<void> {
  const { world, daemon } = scene;
  const change = await changeOf(command, scene);
  if (change === null) return;
  await changeHoldsOn(world.disk, change).catch(() => undefined); // on a full disk it is not taken
  world.diskVersion += 1;
  if (command.heard) await daemon()?.nudge();
}

async function changeOf(command: Order, { world, daemon }: Scene): Promise<((holds: Holds) => Holds) | null> {
  const { time } = world;
  const mark = { by: 'alice', at: time.iso(), why: null };
  if (command.do === 'resume') return (holds) => resume(holds, { names: [], rollback: true }, { by: 'alice', at: '', why: null });
  if (command.do === 'suspend') {
    const until = command.forMs === null ? null : new Date(time.wallMs + command.forMs).toISOString();
    return (holds) => suspend(holds, command.model === null ? [] : [command.model], { ...mark, until });
  }
  const loop = await daemon()?.loop;
  const parked = loop?.standing.parked ?? null;
  if (command.do === 'approve') return parked && ((holds) => approve(holds, { ...mark, plan: parked.key, covers: parked.covers }));
  const generations = await listGenerations(DIR, world.disk);
  const [now, to] = [generations[0], generations.slice(1).find(({ outcome }) => outcome === 'succeeded')];
  if (now === undefined || to === undefined || releaseOfGeneration(now) === releaseOfGeneration(to)) return null;
  const bad = { ...mark, release: loop?.follower.release?.id ?? releaseOfGeneration(now), commit: null, generation: now.number };
  return (holds) => rollBack(holds, { ...mark, generation: to.number }, bad.release === releaseOfGeneration(to) ? null : bad);
}

/** What becomes of engines and copies whoever looks after them. */
function toEngine(command: Extract<Command, { readonly which: number }>, world: World): void {
  const { time, engines } = world;
  const engine = [...engines.values()][command.which % engines.size] as Engine;
  const copies = [...engines.values()].flatMap((one) => [...one.copies.values()].map((copy) => ({ one, copy })));
  const hit = copies[command.which % Math.max(1, copies.length)];
  switch (command.do) {
    case 'engine-away':
      return forAWhile(world, command.forMs, (isAway) => {
        engine.isReachable = !isAway;
        engine.changed();
      });
    case 'engine-restarts':
      engine.copies.clear();
      return forAWhile(world, Math.min(command.forMs, 5000), (isAway) => {
        engine.isReachable = !isAway;
        engine.changed();
      });
    default:
  }
  if (hit === undefined) return;
  const { one, copy } = hit;
  if (command.do === 'delete-copy') one.copies.delete(copy.id);
  if (command.do === 'kill-copy') copy.phase = 'failed';
  if (command.do === 'edit-copy') copy.loaded = { ...copy.loaded, context: 512 };
  if (command.do === 'lose-copy' && copy.phase === 'serving') {
    copy.phase = 'unknown';
    time.after(command.forMs, () => {
      if (copy.phase === 'unknown') copy.phase = 'serving';
      one.changed();
    });
  }
  one.changed();
  if (command.do === 'meddle') meddle(copy.spec.model, one, command, time.ms + command.forMs, world);
}

/** Somebody else wants another setting, and sees to it. */
function meddle(model: string, engine: Engine, { everyMs }: Of<'meddle'>, untilMs: number, world: World): void {
  const { time } = world;
  if (time.ms >= untilMs) return;
  for (const copy of engine.copies.values()) if (copy.spec.model === model) copy.loaded = { ...copy.loaded, parallel: 7 };
  engine.changed();
  time.after(everyMs, () => meddle(model, engine, { everyMs } as Of<'meddle'>, untilMs, world));
}
