import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { DaemonSpec } from '../domain/daemon.ts';
import type { DaemonEvent } from '../domain/daemon-event.ts';
import type { DaemonPicture } from '../domain/daemon-picture.ts';
import type { Event } from '../domain/event.ts';
import { ProblemError, type Problem } from '../domain/problem.ts';
import { serveControl } from '../control/server.ts';
import type { Source } from '../source/types.ts';
import { who } from '../stack/run-plan.ts';
import { sha256 } from '../stack/sha256.ts';
import type { StackPlace, Surroundings } from '../stack/surroundings.ts';
import { noteSupervisor, openEventLog, readEvents, readHolds, takeDaemonLock } from '../state/index.ts';
import { COMMAND, realHands } from './hands.ts';
import { Charge, chargedHands, lastMandate } from './charge.ts';
import { Loop } from './loop.ts';
import { notifying } from './notifying.ts';
import { outdated, tellOutdated } from './outdated.ts';
import { followedIn, pictureOf } from './picture.ts';
import { heeding } from './telling.ts';
import { serveWebhook } from './webhook.ts';
import type { DaemonClock, Telling } from './types.ts';

/** What is to be kept as it is declared, and how. */
export interface DaemonOptions {
  readonly context: Surroundings;
  readonly place: StackPlace;
  readonly stack: string;
  readonly stateDir: string;
  /** Absolute folder of llmops.yaml. */
  readonly baseDir: string;
  readonly source: Source;
  readonly parallelism: number;
  /** What it calls itself. Absent: {@link COMMAND}. */
  readonly command?: string;
  /** Where a git server may call after a push: `127.0.0.1:8401`; null: nowhere. */
  readonly webhook: string | null;
  /** Starts what watches a release in its place, should this process die. */
  readonly onBake: () => void;
  /** `daemon:` as it read when this began; null: it was not there. */
  readonly declared: DaemonSpec | null;
  /** How often engines are looked at, whatever the file says, in milliseconds. Absent: as the file says. */
  readonly probeMs?: number;
  /** Hears what happens: the daemon's events, and those of its runs. Must not throw. */
  readonly hear: (event: DaemonEvent | Event) => void;
  /** Called when others can talk to it. */
  readonly ready: (picture: () => DaemonPicture) => void;
}

/** What webhooks were not told yet when it ends, they are told within this, in milliseconds. */
const LAST_WORDS_MS = 3000;
/** Who asks for a look waits for this long at most, in milliseconds: a source may not answer. */
const NUDGE_MS = 2000;
/** A source is watched within this, in milliseconds; later it is all the same, as it is looked at besides. */
const WATCH_MS = 5000;
/** How often the note of what it is about to do is brought up to date, in milliseconds. */
const NOTE_MS = 1000;
/** How often engines are looked at where nothing says otherwise, in milliseconds. */
const PROBE_MS = 5000;

/**
 * Keeps one stack as its source declares it, until the context's signal is aborted. Engines go on running then. Throws a
 * ProblemError if another daemon does this already.
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { context, stateDir, source } = options;
  const lock = await takeDaemonLock(stateDir);
  const log = openEventLog(stateDir);
  const note = noteSupervisor(stateDir, options.command ?? COMMAND);
  note.say([]);
  const closers: (() => unknown)[] = [];
  try {
    const hearers = new Set<(event: object) => void>([
      options.hear as (event: object) => void,
      (event) => isLasting(event) && log.append(event),
    ]);
    const hear = (event: object) => hearers.forEach((one) => one(event));
    const hooks = () => charge.hooks;
    const failed = ({ code, summary }: Problem) =>
      hear({ at: context.now(), stack: options.stack, type: 'notify.failed', code, message: summary });
    const webhooks = notifying({ hooks, surroundings: { env: context.env, baseDir: options.baseDir }, log: failed });
    const tell = (telling: Telling) => {
      const event = { at: context.now(), stack: options.stack, ...telling } as DaemonEvent;
      hear(event);
      webhooks.tell(event);
      if (event.type === 'revision.found') tellIfOutdated();
    };
    let told = '';
    const tellIfOutdated = () => {
      const keys = outdated(options.declared, declaredNow(loop, options.declared));
      if (keys.length > 0 && told !== keys.join()) tell(tellOutdated(keys));
      told = keys.join();
    };
    const { loop, charge } = await openLoop(options, tell, hear);
    const picture = () => paint(loop, options);
    const control = await serveControl(stateDir, {
      status: picture,
      release: () => loop.follower.release && followedIn(loop.follower.release),
      events: async (limit) => (await log.flush(), readEvents(stateDir, limit)),
      onEvent: (listener) => (hearers.add(listener), () => hearers.delete(listener)),
      nudge: () => Promise.race([loop.nudge(context.signal), pause(NUDGE_MS, undefined, { ref: false })]),
    });
    closers.push(() => control.close());
    const look = (): void => void loop.follower.look(context.signal);
    const watching = source.watch(look);
    watching.catch(() => undefined); // later than it is waited for
    closers.push(() => Promise.race([watching.then((one) => one.close()), pause(LAST_WORDS_MS, undefined, { ref: false })]));
    await Promise.race([watching, pause(WATCH_MS, undefined, { ref: false })]); // on a disk that does not answer it goes on without
    const hook = options.webhook === null ? null : await serveWebhook(options.webhook, look);
    closers.push(() => hook?.close());
    const removed = new AbortController();
    const notes = setInterval(() => {
      if (!lock.isHeld()) return removed.abort();
      note.say(picture().waiting.map(({ at, ...one }) => ({ ...one, nextAt: at })));
    }, NOTE_MS);
    closers.push(() => clearInterval(notes));
    tell({ type: 'daemon.started', message: `llmops up follows ${source.shown}.` });
    options.ready(picture);
    await loop.run(AbortSignal.any([context.signal, removed.signal]));
    if (removed.signal.aborted) throw stateRemoved(stateDir);
    const ended = options.command === undefined ? 'llmops up ends.' : 'The guard of this stack ends.';
    tell({ type: 'daemon.stopped', why: 'it was told to', message: `${ended} The engines go on running.` });
    await webhooks.close(LAST_WORDS_MS);
  } finally {
    await Promise.all(closers.map((close) => close()));
    note.end();
    await log.flush();
    lock.release();
  }
}

/** Whoever made it anew may have a daemon of its own: two of them would undo each other's work. */
function stateRemoved(stateDir: string): ProblemError {
  return new ProblemError({
    code: 'state-removed',
    summary: `${stateDir} was removed while llmops up ran. What runs goes on running.`,
    fix: 'Start llmops up again: it finds the engines by their marks.',
  });
}

/** Of this run of the machine: proc(5), random/boot_id. */
function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null; // not Linux
  }
}

/** How far a step is moves many times a second: that is for who looks on, and would push what happened out of the log. */
function isLasting(event: object): boolean {
  return !('type' in event && (event.type === 'step.waiting' || event.type === 'step.transfer'));
}

async function openLoop(
  options: DaemonOptions,
  tell: (event: Telling) => void,
  emit: (event: Event) => void,
): Promise<{ readonly loop: Loop; readonly charge: Charge }> {
  const { context, place, stack, stateDir, source, parallelism } = options;
  const hands = realHands({ context, place, stack, stateDir, parallelism, emit });
  const { holds } = await readHolds(stateDir);
  const charge: Charge = new Charge({
    known: holds.mandate ?? (await lastMandate(options)),
    isKept: holds.mandate !== undefined,
    declared: options.declared,
    standing: () => ({ release: loop.follower.release, target: loop.standing.target, holds: loop.standing.holds }),
    keep: (mandate) => hands.changeHolds((now) => ({ ...now, mandate })),
    wallMs: () => realClock.wallMs(),
    hash: sha256,
  });
  const probeMs = () => options.probeMs ?? declaredNow(loop, options.declared)?.probeMs ?? PROBE_MS;
  const loop: Loop = new Loop(
    {
      source,
      hands: chargedHands(hands, charge),
      clock: realClock,
      tell: (event) => tell(heeding(event, loop.standing.holds)),
      probeMs,
      policy: () => charge.policy,
      boot: bootId(),
      onBake: options.onBake,
      isGone,
      hash: sha256,
    },
    holds,
  );
  return { loop, charge };
}

/** `daemon:` of the newest release; before there is one: `otherwise`. */
function declaredNow({ follower: { release } }: Loop, otherwise: DaemonSpec | null): DaemonSpec | null {
  return release === null ? otherwise : (release.session.desired.daemon ?? null);
}

function paint(loop: Loop, { context, source, declared }: DaemonOptions): DaemonPicture {
  const { follower, standing } = loop;
  return pictureOf({
    outdated: outdated(declared, declaredNow(loop, declared)),
    pid: process.pid,
    who: who(context.env),
    since: STARTED,
    follows: source.shown,
    release: follower.release,
    trouble: follower.trouble,
    standing,
    isStopping: context.signal.aborted,
    wallMs: Date.now(),
    monotonicMs: performance.now(),
  });
}

const STARTED = new Date(Date.now() - performance.now()).toISOString();

const realClock: DaemonClock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => pause(ms, undefined, { signal }).catch(() => undefined),
};

/** One that belongs to somebody else by now counts as there: the next look tells. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
