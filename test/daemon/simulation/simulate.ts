import { storyOf, type Command } from './commands.ts';
import { Daemon } from './daemon.ts';
import { happen, type Scene } from './happen.ts';
import { checkJournal, unsettled } from './judge.ts';
import { randomOf } from './random.ts';
import { withTimers } from './time.ts';
import { World } from './world.ts';

/** What came of a seed. `problem` null: all that was promised held. */
export interface Ending {
  readonly problem: string | null;
  readonly story: readonly Command[];
  /** Virtual seconds until all was well, after the last thing that happened. */
  readonly settledAfter: number;
  readonly acts: number;
}

/** Everything is as it is to be within this, after the faults, in milliseconds: a model that never comes up is waited for that long. */
const SETTLES_MS = 30 * 60_000;
const STEP_MS = 10_000;
/** And then nothing happens for this long. */
const CALM_MS = 10 * 60_000;

/** Plays one world from beginning to end. `story`: what happens instead of what the seed says. */
export async function simulate(seed: number, story: readonly Command[] = storyOf(randomOf(seed))): Promise<Ending> {
  const world = new World(seed);
  return withTimers(world.time, () => play(world, story));
}

async function play(world: World, story: readonly Command[]): Promise<Ending> {
  const { time, violations } = world;
  let daemon: Daemon | null = null;
  let pausedMs = 0;
  const born = (): void => {
    daemon = new Daemon(world, () => {
      checkJournal(world);
      daemon = null;
      time.after(pausedMs, born);
    });
  };
  const kill = (acts: number, forMs: number): void => {
    pausedMs = forMs;
    if (acts === 0) daemon?.life.die();
    else daemon?.life.diesIn(acts);
  };
  const scene: Scene = { world, kill, daemon: () => daemon };
  for (const command of story) time.after(command.at, () => void happen(command, scene));
  born();
  const isOver = () => violations.length > 0;
  const endMs = Math.max(...story.map((command) => command.at + lengthOf(command)));
  await time.runUntil(endMs + 1, isOver);
  (daemon as Daemon | null)?.life.diesIn(-1); // it was told to die later, and is spared
  const settledAfter = await settle(scene, isOver);
  if (!isOver()) await checkCalm(scene, isOver);
  checkJournal(world);
  return { problem: violations[0] ?? null, story, settledAfter: settledAfter / 1000, acts: world.acts };
}

/** How long it lasts; a daemon that died comes again, too. */
function lengthOf(command: Command): number {
  return ('forMs' in command && command.do !== 'suspend' ? command.forMs : 0) ?? 0;
}

async function settle({ world, daemon }: Scene, isOver: () => boolean): Promise<number> {
  const { time } = world;
  const from = time.ms;
  let why = 'there is no daemon';
  while (time.ms < from + SETTLES_MS && !isOver()) {
    await time.runUntil(time.ms + STEP_MS, isOver);
    const living = daemon();
    const found = living === null ? why : await unsettled(world, await living.loop);
    if (found === null) return time.ms - from;
    why = found;
  }
  if (!isOver()) world.violate(`not settled after ${SETTLES_MS / 60_000} min: ${why}`);
  return time.ms - from;
}

/** Starts and stops in ten minutes: what ends again and again is started with pauses of five minutes, at last. */
const ACTS = 30;
/** Looks in that time beside those for acts. */
const LOOKS = 150;

async function checkCalm(scene: Scene, isOver: () => boolean): Promise<void> {
  const { world } = scene;
  const [acts, looks] = [world.acts, world.looks];
  await world.time.runUntil(world.time.ms + CALM_MS, isOver);
  const done = world.acts - acts;
  if (done > ACTS) world.violate(`${done} acts in ${CALM_MS / 60_000} calm minutes`);
  if (world.looks - looks > LOOKS + 8 * done)
    world.violate(`${world.looks - looks} looks in ${CALM_MS / 60_000} calm minutes, for ${done} acts`);
  await settle(scene, isOver); // what ends again and again may be on its way just now
}
