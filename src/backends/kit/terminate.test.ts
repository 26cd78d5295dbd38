import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { io, step } from '../../../test/contract/world.ts';
import type { Driver } from '../../domain/backend.ts';
import type { InstanceSpec } from '../../domain/desired.ts';
import type { Clock } from './clock.ts';
import { createProcessDriver } from './driver.ts';
import type { ProcessEngine } from './engine.ts';
import { encodeMarker, stackIdOf } from './marker.ts';
import type { ProcessEntry, ProcessTable } from './process-table.ts';
import { openRecords } from './records.ts';

/** Above every number that a kernel gives: a signal to it reaches nobody. */
const PID = 99_999_999;
const STARTED = 'boot:1';
const STAGES = ['alive', 'ending', 'gone'] as const;
type Stage = (typeof STAGES)[number];

let stateDir: string;
let signals: string[];
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'llmops-ending-'));
  signals = [];
  vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
    signals.push(`${pid} ${signal}`);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(stateDir, { recursive: true, force: true });
});

/** A process that goes through stages; each pause of the kit is one second, and after `looks` of them the next stage begins. */
class Dying implements ProcessTable, Clock {
  stage: Stage;
  change: Partial<ProcessEntry> = {};
  /** What it becomes right after it was listed for the first time. */
  meanwhile: Partial<ProcessEntry> = {};
  private readonly lasts: Partial<Record<Stage, number>>;
  private seconds = 0;
  private left: number;

  constructor(stage: Stage, lasts: Partial<Record<Stage, number>> = {}) {
    this.stage = stage;
    this.lasts = lasts;
    this.left = lasts[stage] ?? 3;
  }

  now(): number {
    return this.seconds * 1000;
  }

  async sleep(): Promise<void> {
    this.seconds += 1;
    this.left -= 1;
    if (this.left > 0) return;
    this.stage = STAGES[STAGES.indexOf(this.stage) + 1] ?? 'gone';
    this.left = this.lasts[this.stage] ?? 3;
  }

  async list(): Promise<readonly ProcessEntry[]> {
    const listed = this.stage === 'gone' ? [] : [this.entry()];
    this.change = { ...this.change, ...this.meanwhile };
    return listed;
  }

  async get(pid: number): Promise<ProcessEntry | null> {
    return this.stage === 'gone' || pid !== PID ? null : this.entry();
  }

  private entry(): ProcessEntry {
    const marker = this.stage === 'alive' ? mark() : null;
    return {
      pid: PID,
      parent: 1,
      group: PID,
      started: STARTED,
      startedAt: null,
      args: marker === null ? [] : ['engine'],
      marker,
      env: () => (marker === null ? {} : { LLMOPS_INSTANCE: marker }),
      memoryBytes: () => 3 * 2 ** 30,
      ...this.change,
    };
  }
}

const spec: InstanceSpec = {
  id: 'chat-0123456789ab',
  stack: 'shop',
  backend: 'local',
  model: 'chat',
  specHash: '0123456789ab',
  fields: {},
  weights: { path: '/chat.gguf', sha256: 'aa', bytes: 1 },
  options: {},
};

function mark(): string {
  const { id, stack, backend, model, specHash } = spec;
  const logFile = join(stateDir, 'chat.log');
  return encodeMarker({
    v: 1,
    stackId: stackIdOf(stateDir),
    stack,
    type: 'test',
    backend,
    model,
    id,
    specHash,
    digest: 'aa',
    port: 4711,
    logFile,
  });
}

/** A driver whose engine is nowhere: what it starts fails when all that comes before is done. */
function driverOver(world: Dying): Driver {
  const engine: ProcessEngine = {
    type: 'test',
    detect: async () => ({ status: 'present', at: '/nowhere/engine', version: '1', capabilities: [] }),
    command: () => ({ file: '/nowhere/engine', args: [], env: {} }),
    configured: () => ({}),
    loaded: async () => ({ fields: {}, activeRequests: null }),
    requests: () => Promise.resolve(null),
    explain: () => ({ severity: 'error', code: 'engine-ended', summary: 'It ended.' }),
  };
  const backend = { name: 'local', type: 'test', reserve: { vramBytes: 0, ramBytes: 0 }, options: {} };
  const context = { stack: 'shop', stateDir, cacheDir: stateDir, baseDir: stateDir, env: {} };
  return createProcessDriver(() => engine, backend, context, { table: world, clock: world });
}

function record(): void {
  const was = { pid: PID, started: STARTED };
  openRecords(stateDir).put({
    v: 1,
    type: 'test',
    spec,
    process: was,
    args: ['engine'],
    port: 4711,
    logFile: join(stateDir, 'chat.log'),
    startedAt: null,
    wasReady: true,
  });
}

const stop = (driver: Driver, process: { pid: number; started: string } | null = { pid: PID, started: STARTED }) =>
  driver.perform.stop(step('stop', spec, { specHash: spec.specHash, process }), io());

describe('Stopping', () => {
  it('waits for a process that lost its mark and still holds memory and port', async () => {
    const world = new Dying('alive');
    await stop(driverOver(world));
    expect(world.stage).toBe('gone');
    expect(signals[0]).toBe(`-${PID} SIGTERM`);
  });

  it('waits on after SIGKILL, when nothing carries the mark any more', async () => {
    const world = new Dying('alive', { alive: 3, ending: 4 });
    await stop(driverOver(world));
    expect(world.stage).toBe('gone');
    expect(signals).toEqual([`-${PID} SIGTERM`, `-${PID} SIGKILL`]);
  });

  it('says so if the kernel does not let go', async () => {
    const world = new Dying('alive', { ending: 1000 });
    await expect(stop(driverOver(world))).rejects.toMatchObject({ problem: { code: 'process-survives' } });
  });

  it('waits for one that was about to end already, instead of taking it for somebody else', async () => {
    const world = new Dying('ending');
    await stop(driverOver(world));
    expect([world.stage, signals]).toEqual(['gone', []]);
  });

  it('waits for the process of a failed instance, which the plan saw as gone', async () => {
    record();
    const world = new Dying('ending');
    await stop(driverOver(world), null);
    expect([world.stage, openRecords(stateDir).list()]).toEqual(['gone', []]);
  });

  it('gives up on one that stays about to end', async () => {
    const outcome = stop(driverOver(new Dying('ending', { ending: 1000 })));
    await expect(outcome).rejects.toMatchObject({ problem: { code: 'process-survives', summary: expect.stringContaining(String(PID)) } });
  });

  it.each([{ args: ['other'] }, { env: () => ({ HOME: '/' }) }])('refuses a living process without the mark: %j', async (change) => {
    const world = new Dying('ending');
    world.change = change;
    await expect(stop(driverOver(world))).rejects.toMatchObject({ problem: { code: 'instance-changed' } });
    expect([world.stage, signals]).toEqual(['ending', []]);
  });

  it.each([{ marker: 'another' }, { marker: null }, { marker: null, started: 'boot:2' }])(
    'signals nothing that changed since it was found: %j',
    async (other) => {
      const world = new Dying('alive');
      world.meanwhile = other;
      await stop(driverOver(world));
      expect(signals).toEqual([]);
    },
  );
});

describe('Starting', () => {
  it('waits until the former process of the instance let go of its memory', async () => {
    record();
    const world = new Dying('ending');
    const starting = driverOver(world).perform.start(step('start', spec, { spec }), io());
    await expect(starting).rejects.toMatchObject({ problem: { code: 'engine-cannot-start' } });
    expect(world.stage).toBe('gone');
  });
});
