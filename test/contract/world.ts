import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcessDriver } from '../../src/backends/kit/driver.ts';
import type { ConnectEngine } from '../../src/backends/kit/engine.ts';
import { systemProcesses, type ProcessEntry, type ProcessTable } from '../../src/backends/kit/process-table.ts';
import { decodeMarker, stackIdOf } from '../../src/backends/kit/marker.ts';
import type { Backend, Driver, DriverContext, StepIo } from '../../src/domain/backend.ts';
import { canonicalJson } from '../../src/domain/canonical.ts';
import type { Artifact, BackendSpec, InstanceSpec, JsonObject, ModelSpec } from '../../src/domain/desired.ts';
import type { ObservedBackend, ObservedInstance } from '../../src/domain/observed.ts';
import type { DriverOp, OptionalDriverOp, StepOf } from '../../src/domain/plan.ts';

/** What the suite has to know of a backend. Files that are made lie in the folder that is handed in. */
export interface Conformance {
  readonly name: string;
  readonly backend: Backend;
  /** The engine as the kit's driver takes it: for cases in which the machine itself fails. Absent: it has no processes of its own. */
  readonly engine?: ConnectEngine;
  /** Of a backend whose copies live in one server: starts one for each test. */
  readonly server?: () => Promise<EngineServer>;
  /** Options of the backend, as normalized. */
  readonly backendOptions: JsonObject;
  /** Settings that it reads back; absent: weights, context and number of requests. */
  readonly tells?: readonly string[];
  /** What answers at the address of a copy; absent: `/health`. */
  readonly healthPath?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where engines that were detected are remembered; shared by all tests, it saves asking again. Absent: a new one for each test. */
  readonly cacheDir?: string;
  /** Path of weights that the engine can load, trained for 1024 tokens or more. */
  weights(dir: string): string;
  /** Path of weights that the engine refuses, the same on each call: a test repairs them in place. */
  damagedWeights(dir: string): string;
  /** What every model of the suite declares, besides a context of 512 and one request at a time. */
  readonly model?: Partial<ModelSpec>;
  /** Other weights than these, which it can load beside them. Absent: two copies of the same weights can run side by side. */
  otherWeights?(dir: string): string;
  /** A request that takes a while. `env` goes to the engine; `finish` lets it end now, where it does not by itself. */
  longRequest?(dir: string): { readonly body: JsonObject; readonly env?: Readonly<Record<string, string>>; readonly finish?: () => void };
  /** Why a case cannot hold for this backend, by its title. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** A server that several copies live in, for one test. */
export interface EngineServer {
  /** Options of the backend that lead to it. */
  readonly options: JsonObject;
  /** What it keeps for copies of whatever stack, one entry each. */
  copies(): Promise<readonly string[]>;
  /** It answers nobody until {@link resume}. */
  pause(): void;
  resume(): void;
  end(): Promise<void>;
}

const DEADLINE_MS = 45_000;

/** One stack in a temporary folder, with drivers to it; everything that it started is gone after {@link World.end}. */
export class World {
  readonly dir: string;
  readonly stateDir: string;
  readonly conformance: Conformance;
  private readonly stateDirs = new Set<string>();
  private readonly server: EngineServer | null;

  private constructor(conformance: Conformance, server: EngineServer | null) {
    this.conformance = conformance;
    this.server = server;
    this.dir = realpathSync(mkdtempSync(join(tmpdir(), 'llmops-contract-')));
    this.stateDir = join(this.dir, 'state');
  }

  static async open(conformance: Conformance): Promise<World> {
    return new World(conformance, (await conformance.server?.()) ?? null);
  }

  /** A new driver object, as another run of llmops would have it. */
  connect(
    options: { readonly stateDir?: string; readonly env?: Readonly<Record<string, string>>; readonly backend?: string } = {},
  ): Driver {
    const stateDir = options.stateDir ?? this.stateDir;
    this.stateDirs.add(stateDir);
    mkdirSync(stateDir, { recursive: true });
    return this.conformance.backend.connect(this.backendSpec(options.backend), this.context(stateDir, options.env));
  }

  /** A driver over another process table than the machine's. */
  connectOver(table: ProcessTable): Driver {
    const { engine } = this.conformance;
    if (engine === undefined) throw new Error('a backend without processes has no process table');
    return createProcessDriver(engine, this.backendSpec(), this.context(this.stateDir), { table });
  }

  private context(stateDir: string, more: Readonly<Record<string, string>> = {}): DriverContext {
    const { env, cacheDir } = this.conformance;
    return {
      stack: 'contract',
      stateDir,
      cacheDir: cacheDir ?? join(this.dir, 'cache'),
      baseDir: this.dir,
      env: { ...process.env, ...env, ...more },
    };
  }

  backendSpec(name = 'under-test'): BackendSpec {
    const { backend, backendOptions } = this.conformance;
    const options = { ...backendOptions, ...this.server?.options };
    return { name, type: backend.type, reserve: { vramBytes: 0, ramBytes: 0 }, options };
  }

  model(change: Partial<ModelSpec> = {}): ModelSpec {
    return {
      name: 'chat',
      backend: 'under-test',
      source: { kind: 'file', path: '', written: 'file:chat.gguf' },
      quantizations: [],
      sha256: null,
      context: 512,
      parallel: 1,
      kvCache: null,
      offload: { gpuLayers: null, cpuMoeLayers: null, devices: null },
      load: 'always',
      drift: { default: 'correct', fields: {} },
      rollout: { strategy: 'auto', holdMs: 0, drainMs: 0, bakeMs: 0 },
      protect: false,
      options: {},
      ...this.conformance.model,
      ...change,
    };
  }

  /** The instance of a model, as the planner names it. */
  spec(change: Partial<ModelSpec> = {}, path = this.conformance.weights(this.dir)): InstanceSpec {
    const model = this.model(change);
    const artifact: Artifact = {
      source: 'file:chat.gguf',
      path,
      bytes: 1,
      // A server is handed the content itself; to a process a path is enough, and a file may be mended in place.
      sha256: createHash('sha256')
        .update(this.server === null ? path : readFileSync(path))
        .digest('hex'),
      gguf: null,
    };
    const fields = this.conformance.backend.fields(model, artifact, this.backendSpec());
    const specHash = createHash('sha256')
      .update(canonicalJson({ ...fields, source: null }))
      .digest('hex')
      .slice(0, 12);
    const { name, backend, options } = model;
    return {
      id: `${name}-${specHash}`,
      stack: 'contract',
      backend,
      model: name,
      specHash,
      fields,
      weights: { path, sha256: artifact.sha256, bytes: 1 },
      options,
    };
  }

  /** Starts an instance, after its weights were brought where it can find them. */
  async start(driver: Driver, spec: InstanceSpec): Promise<void> {
    await driver.perform.pull?.(step('pull', spec, { weights: spec.weights }), io());
    await driver.perform.start(step('start', spec, { spec }), io());
  }

  /** Starts an instance and waits until it serves. */
  async serve(driver: Driver, spec: InstanceSpec): Promise<ObservedInstance> {
    await this.start(driver, spec);
    await driver.perform.probe(step('probe', spec, { spec, onFailure: 'leave' }), io());
    return seen(await driver.look(spec.id, io().signal));
  }

  /** Stops what an observation saw. */
  async stop(driver: Driver, spec: InstanceSpec, process: ObservedInstance['process']): Promise<void> {
    await driver.perform.stop(step('stop', spec, { specHash: spec.specHash, process }), io());
  }

  /** Every living process that carries a mark of this world. */
  async processes(stateDir?: string): Promise<readonly ProcessEntry[]> {
    const ids = new Set((stateDir === undefined ? [...this.stateDirs] : [stateDir]).map(stackIdOf));
    return (await systemProcesses().list()).filter((entry) => ids.has(decodeMarker(entry.marker)?.stackId ?? ''));
  }

  /** Whatever was started and not stopped, one entry for each copy. */
  async copies(): Promise<readonly string[]> {
    if (this.server !== null) return this.server.copies();
    return (await this.processes()).filter(({ pid, group }) => pid === group).map(({ pid }) => String(pid));
  }

  /** Whatever a copy runs in answers nobody until {@link resume}. */
  pause({ process: running }: ObservedInstance): void {
    if (this.server !== null) this.server.pause();
    else kill(running?.pid ?? 0, 'SIGSTOP');
  }

  resume({ process: running }: ObservedInstance): void {
    if (this.server !== null) this.server.resume();
    else kill(running?.pid ?? 0, 'SIGCONT');
  }

  async end(): Promise<void> {
    await this.server?.end();
    for (let left = await this.processes(); left.length > 0; left = await this.processes()) {
      for (const entry of left) kill(entry.pid, 'SIGKILL');
      await new Promise((next) => setTimeout(next, 5));
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A step of a plan, with what matters for a driver. */
export function step<K extends DriverOp | OptionalDriverOp>(
  op: K,
  spec: InstanceSpec,
  act: Partial<StepOf<K>> & { readonly deadlineMs?: number },
): StepOf<K> {
  const { model, backend, id } = spec;
  const base = {
    id: `${model}.${op}`,
    after: [],
    model,
    backend,
    instance: id,
    cause: 'the suite asks for it',
    relies: [],
    leaves: [],
    deadlineMs: DEADLINE_MS,
  };
  return { ...base, op, ...act } as unknown as StepOf<K>;
}

/** What a driver is handed for a step. `said` is called with every message of progress, and with the name of every file on its way. */
export function io(said: (message: string) => void = () => undefined, signal: AbortSignal = AbortSignal.timeout(DEADLINE_MS)): StepIo {
  return { transfer: (file) => said(file), signal, progress: said };
}

/** The instance, which must be there. */
export function seen(instance: ObservedInstance | null | undefined): ObservedInstance {
  if (!instance) throw new Error('the instance is not there');
  return instance;
}

/** The instances of a backend, which must be reachable. */
export function instancesOf(observed: ObservedBackend): readonly ObservedInstance[] {
  if (observed.status !== 'reachable') throw new Error(`not reachable: ${observed.problem.summary}`);
  return observed.instances;
}

/** Signals a process that may be gone. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Looks until the answer is there. The test's own deadline ends it. */
export async function eventually<T>(look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (;;) {
    const answer = await look();
    if (answer) return answer;
    await new Promise((next) => setTimeout(next, 5));
  }
}
