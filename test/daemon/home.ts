import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { runCli } from '../../src/cli/index.ts';
import type { DaemonPicture } from '../../src/domain/daemon-picture.ts';
import { askStatus } from '../../src/control/client.ts';
import { readEvents } from '../../src/state/index.ts';
import { endAll } from './left.ts';
import { newStage, type Ended, type Stage } from '../cli/stage.ts';

const MAIN = join(import.meta.dirname, '../world/main.ts');
/** For what never comes. A limit, and no measure: a busy machine takes its time. */
const LIMIT_MS = 60_000;

/** What was told, as it lies in the log. */
export interface Told {
  readonly type: string;
  readonly message: string;
  readonly [key: string]: unknown;
}

/** A command that runs as a process of its own. */
export interface Child {
  readonly pid: number;
  /** All that it has written. */
  readonly text: () => string;
  readonly says: (text: string) => Promise<void>;
  /** As a shell tells of one that a signal ended. */
  readonly ended: Promise<Ended>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** A stage whose stack is kept by a real process, `llmops up`, on engines that live in this one. */
export interface Home extends Stage {
  /** Starts `llmops up` and resolves when it answers. */
  readonly up: (...argv: string[]) => Promise<Child>;
  /** Starts any command as a process. */
  readonly start: (...argv: string[]) => Child;
  /** Runs a verb here, by the clock of this machine. */
  readonly llmops: (...argv: string[]) => Promise<Ended>;
  readonly events: () => Promise<readonly Told[]>;
  /** Resolves to the first event that is meant. */
  readonly told: (type: string, is?: (event: Told) => boolean) => Promise<Told>;
  /** What the daemon is at; null: none runs. */
  readonly picture: () => Promise<DaemonPicture | null>;
  /** Resolves when the engines are so: `chat 256 serving`, sorted. */
  readonly serves: (...copies: string[]) => Promise<void>;
  /** As {@link serves}, and nothing is left to be done. */
  readonly settles: (...copies: string[]) => Promise<void>;
  readonly copies: () => readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Makes a home; what still runs of it ends with the test. */
export async function newHome(env: Readonly<Record<string, string>> = {}): Promise<Home> {
  const stage = await newStage();
  const surroundings = { ...stage.command().env, PATH: process.env['PATH'] ?? '', GIT_CONFIG_NOSYSTEM: '1', ...env };
  const { stateDir, dir } = stage;
  onTestFinished(() => endAll('XDG_STATE_HOME', stage.command().env['XDG_STATE_HOME'] ?? '')); // a guard outlives its daemon
  const start = (...argv: string[]): Child => startChild(argv, surroundings, dir);
  const events = async () => (await readEvents(stateDir, 100_000)) as readonly Told[];
  const picture = () => askStatus(stateDir);
  const copies = () => copiesOn(stage);
  const serves = async (...wanted: string[]): Promise<void> =>
    void (await until(`engines that are ${wanted.join(', ')}`, () => sameAs(copies(), wanted), copies));
  return {
    ...stage,
    env: surroundings,
    start,
    events,
    picture,
    copies,
    serves,
    async up(...argv) {
      const child = start('up', ...argv);
      const pid = until('an answer of the daemon', async () => (await picture())?.pid === child.pid);
      await Promise.race([pid, child.ended.then(({ stdout, stderr }) => Promise.reject(new Error(`up ended: ${stdout}${stderr}`)))]);
      return child;
    },
    llmops: (...argv) => runHere(stage, surroundings, argv),
    told: (type, is = () => true) =>
      until(
        `an event ${type}`,
        async () => (await events()).find((event) => event.type === type && is(event)),
        async () => (await events()).map((event) => event.message ?? event.type),
      ),
    async settles(...wanted) {
      await serves(...wanted);
      await until('nothing left to do', async () => isReady(await picture()), picture);
    },
  };
}

function isReady(picture: DaemonPicture | null): boolean {
  return picture?.phase === 'idle' && picture.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** Looks until the answer is there; says what there was instead if it does not come. */
export async function until<T>(what: string, look: () => T | Promise<T>, instead?: () => unknown): Promise<NonNullable<T>> {
  for (const end = performance.now() + LIMIT_MS; performance.now() < end; await pause(20)) {
    const answer = await look();
    if (answer) return answer;
  }
  throw new Error(`In vain waited for ${what}. There is: ${JSON.stringify(await instead?.(), null, 1)}`);
}

function copiesOn({ engines }: Stage): readonly string[] {
  return [...engines.realm('one').instances.values()]
    .map(({ spec, phase }) => `${spec.model} ${String(spec.fields['context'])} ${phase}`)
    .sort();
}

function sameAs(a: readonly string[], b: readonly string[]): boolean {
  return a.join('\n') === [...b].sort().join('\n');
}

async function runHere(stage: Stage, env: Readonly<Record<string, string>>, argv: readonly string[]): Promise<Ended> {
  const world = stage.command({ env });
  const code = await runCli(argv, { ...world.context, now: () => new Date().toISOString() }, 'test');
  return { code, stdout: world.stdout.text, stderr: world.stderr.text };
}

function startChild(argv: readonly string[], env: Readonly<Record<string, string>>, cwd: string): Child {
  const args = ['--disable-warning=ExperimentalWarning', MAIN, ...argv];
  const child = spawn(process.execPath, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  const text = (): string => stdout + stderr;
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code: signal === null ? (code ?? -1) : 128 + constants.signals[signal], stdout, stderr }),
    );
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const says = (wanted: string): Promise<void> =>
    until(`the words ${JSON.stringify(wanted)}`, () => text().includes(wanted), text).then(() => undefined);
  return { pid: child.pid ?? 0, text, says, ended, kill: (signal) => void child.kill(signal) };
}
