import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/index.ts';
import type { Artifact, BackendSpec, Desired, ModelSpec } from '../../src/domain/desired.ts';
import type { Fields } from '../../src/domain/fields.ts';
import type { Candidate, Inventory, MemoryPool, ObservedBackend, ObservedInstance } from '../../src/domain/observed.ts';
import type { Problem } from '../../src/domain/problem.ts';
import type { BackendTraits, PlanInput } from '../../src/plan/index.ts';
import { specHashOf } from '../../src/plan/wish.ts';
import { artifactOf, backendOf, GIB, modelOf, NOTHING, sha256 } from './stack.ts';
import { traits } from './traits.ts';
import type { WrittenBackend, WrittenCopy, WrittenInventory, WrittenWorld } from './written.ts';

/** One folder of the behaviour book. */
export interface Case {
  /** The first comment of llmops.yaml. */
  readonly rule: string;
  readonly input: PlanInput;
}

/** The flags of llama-server that the cases need. */
const FLAGS = [
  '--n-gpu-layers',
  '--model',
  '--host',
  '--port',
  '--alias',
  '--parallel',
  '--ctx-size',
  '--threads',
  '--metrics',
  '--slots',
  '--rpc',
  '--no-mmproj',
];

const AT = '2026-01-01T00:00:00Z';

/** Reads a case; throws if a part is missing or llmops.yaml is not valid. */
export function readCase(folder: string): Case {
  const bytes = readFileSync(join(folder, 'llmops.yaml'));
  const { desired, problems } = readConfig({ file: 'llmops.yaml', bytes, folderName: basename(folder), environment: null, hash: sha256 });
  if (desired === null) throw new Error(`${folder}/llmops.yaml: ${problems.map(({ summary }) => summary).join(' ')}`);
  const written = parse(readFileSync(join(folder, 'observed.yaml'), 'utf8')) as WrittenWorld;
  const file = join(folder, 'inventory.yaml');
  const recorded = existsSync(file) ? (parse(readFileSync(file, 'utf8')) as WrittenInventory) : null;
  const builder = new Builder(desired, written);
  const observed = Object.entries(written.backends).map(([name, backend]) => builder.backend(name, backend));
  const { ask } = written;
  const base = { desired, ...builder.catalog(), observed, inventory: builder.inventory(recorded, observed), traits, hash: sha256 };
  const rule = /^# (.*)$/m.exec(bytes.toString())?.[1] ?? '';
  return {
    rule,
    input: {
      ...base,
      mode: ask?.mode ?? 'apply',
      targets: ask?.targets ?? [],
      replace: ask?.replace ?? [],
      allowDestroy: ask?.allowDestroy ?? false,
      holdFailed: ask?.holdFailed ?? false,
      adopt: ask?.adopt ?? false,
      ...(written.diskFree === undefined
        ? {}
        : { room: { dir: '/cache/weights', freeBytes: written.diskFree * GIB, reserveBytes: GIB / 2 } }),
    },
  };
}

class Builder {
  readonly #desired: Desired;
  readonly #written: WrittenWorld;
  #pid = 4000;

  constructor(desired: Desired, written: WrittenWorld) {
    this.#desired = desired;
    this.#written = written;
  }

  catalog(): Pick<PlanInput, 'artifacts' | 'problems'> {
    const lost = this.#desired.models.filter(({ source }) => this.#written.weights?.[source.written] === null);
    const found = this.#desired.models.filter((model) => !lost.includes(model));
    return {
      artifacts: Object.fromEntries(found.map((model) => [model.name, this.#artifact(model)])),
      problems: lost.map((model) => this.#lost(model)),
    };
  }

  #lost({ name, source }: ModelSpec): Problem {
    const place = this.#desired.places[`models.${name}.source`];
    return {
      severity: 'error',
      code: 'weights-not-found',
      summary: `There is no file ${source.written}.`,
      fix: 'Correct the path.',
      model: name,
      ...(place ? { place } : {}),
    };
  }

  #artifact({ source }: ModelSpec): Artifact {
    const { gguf, ...base } = artifactOf(sha256(source.written), 4_912_898_304);
    const facts = gguf && {
      ...gguf,
      contextTrained: 131_072,
      layers: 32,
      embedding: 4096,
      heads: 32,
      kvHeads: 8,
      keyLength: 128,
      valueLength: 128,
      vocabulary: 128_256,
    };
    return {
      ...base,
      source: source.written,
      path: `/stack/${source.written.replace('file:', '')}`,
      gguf: facts,
      ...this.#written.weights?.[source.written],
    };
  }

  /** The declared settings of a model on a backend, and those in which something differs. */
  #fields(name: string, backend: string, other: Fields = {}): { fields: Fields; specHash: string } {
    const spec = this.#spec(backend);
    const model = this.#desired.models.find((each) => each.name === name) ?? modelOf(name);
    const kind = traits[spec.type] as BackendTraits;
    const fields = { ...kind.fields(model, this.#artifact(model), spec), ...other };
    return { fields, specHash: specHashOf(backend, fields, kind, sha256) };
  }

  #spec(backend: string): BackendSpec {
    const declared = this.#desired.backends.find(({ name }) => name === backend);
    return declared ?? backendOf(backend, this.#written.backends[backend]?.type ?? 'llama.cpp');
  }

  backend(name: string, written: WrittenBackend): ObservedBackend {
    const { type } = this.#spec(name);
    const problem: Problem = { severity: 'error', code: 'x', summary: 'Connection refused.', fix: 'Start it.' };
    if (written.status === 'unreachable') return { status: 'unreachable', name, type, problem };
    const absent = {
      status: 'absent' as const,
      problem: { ...problem, code: 'engine-not-found', summary: 'llama-server is not on PATH.', fix: 'Install it.' },
    };
    const copies = (written.copies ?? []).map((copy) => [copy, this.#copy(name, copy)] as const);
    const candidates = copies.flatMap(([{ candidate }, copy]): Candidate[] => {
      if (candidate === undefined) return [];
      const { obstacle = null, warning = null, ...passing } = candidate;
      return this.#sameWeights(copy).map((model) => ({ model, copy, obstacle, ...passing, warning }));
    });
    const taken = (written.taken ?? []).map((each) => `taken:${each}`);
    const server = { at: 'http://127.0.0.1:11434', name: 'Ollama', version: '0.34.4', capabilities: taken };
    const program = { at: '/usr/bin/llama-server', version: '0.7.0', capabilities: FLAGS };
    const present = { status: 'present' as const, ...(type === 'ollama' ? server : program) };
    const pools = Object.entries(written.memory ?? { ram: [24, 32] as const });
    return {
      status: 'reachable',
      name,
      type,
      engine: written.engine === 'absent' ? absent : present,
      instances: copies.map(([{ candidate }, copy]) =>
        candidate === undefined ? copy : { ...copy, configured: {}, loaded: null, phase: 'unknown' },
      ),
      ...(candidates.length === 0 ? {} : { candidates }),
      ...(written.unpullable === undefined ? {} : { unpullable: written.unpullable, held: [] }),
      memory: pools.map(([pool, [free, total]]): MemoryPool => ({
        kind: pool === 'ram' ? 'ram' : 'vram',
        name: pool,
        freeBytes: free * GIB,
        totalBytes: total * GIB,
      })),
    };
  }

  /** Every declared model that has the weights of this copy. */
  #sameWeights({ configured }: ObservedInstance): readonly string[] {
    return this.#desired.models.filter((model) => this.#artifact(model).sha256 === configured['digest']).map(({ name }) => name);
  }

  #copy(backend: string, written: WrittenCopy): ObservedInstance {
    const { model, owner = 'ours', phase = 'serving' } = written;
    this.#pid += 1;
    const { fields, specHash } = this.#fields(model, backend, written.with);
    const { source: _, ...settings } = { ...fields, ...written.told };
    const told = owner === 'ours' || written.candidate ? settings : {};
    const loaded =
      phase !== 'serving' || written.loaded === 'silent'
        ? null
        : { context: told['context'] ?? null, parallel: told['parallel'] ?? null, ...written.loaded };
    return {
      id: owner === 'ours' ? `${model}-${specHash}` : `pid-${this.#pid}`,
      owner,
      backend,
      model,
      specHash: owner === 'ours' ? specHash : null,
      phase,
      endpoint: written.port === undefined ? null : `http://127.0.0.1:${written.port}`,
      configured: told,
      loaded,
      ...(written.names === undefined ? {} : { names: written.names }),
      activeRequests: written.requests ?? null,
      memoryBytes: written.memory === undefined ? null : written.memory * GIB,
      startedAt: AT,
      process: { pid: this.#pid, started: '1' },
      logFile: null,
      problem: written.problem === undefined ? null : { severity: 'error', code: 'x', summary: written.problem },
    };
  }

  inventory(written: WrittenInventory | null, observed: readonly ObservedBackend[]): Inventory {
    if (written === null) return NOTHING;
    const { generation } = written;
    const models = Object.entries(written.models ?? {}).map(([name, record]) => {
      const declared = this.#desired.models.find((each) => each.name === name);
      const backend = record.backend ?? declared?.backend ?? this.#desired.backends[0]?.name ?? 'local';
      const settings = this.#fields(name, backend, record.with);
      const spec = {
        ...settings,
        id: `${name}-${settings.specHash}`,
        stack: this.#desired.stack,
        backend,
        model: name,
        weights: { path: '/stack/recorded.gguf', sha256: String(settings.fields['digest']), bytes: GIB },
        options: {},
      };
      const measured = record.startMs === undefined ? {} : { startMs: record.startMs };
      const drain = record.drainMs === undefined ? {} : { drainMs: record.drainMs };
      return [name, { backend, ...settings, ...measured, ...drain, spec, protect: record.protect ?? false, generation, at: AT }] as const;
    });
    const byName = Object.fromEntries(models);
    const copies = observed.flatMap((backend) => (backend.status === 'reachable' ? backend.instances : []));
    const endpoints = Object.entries(written.endpoints ?? {}).map(([name, port]) => {
      const url = `http://127.0.0.1:${port}`;
      return [
        name,
        { instance: copies.find(({ endpoint }) => endpoint === url)?.id ?? `${name}-${byName[name]?.specHash ?? 'gone'}`, url },
      ] as const;
    });
    const pending = (written.pending ?? []).map((step) => ({
      run: 'r1',
      step,
      op: step.split('.')[1] ?? '',
      model: step.split('.')[0] ?? '',
      at: AT,
    }));
    const seen = { generation, appliedAt: AT, models: byName, endpoints: Object.fromEntries(endpoints), pending };
    return written.failures === undefined ? seen : { ...seen, failures: this.#failures(written.failures, generation) };
  }

  #failures(written: NonNullable<WrittenInventory['failures']>, generation: number): NonNullable<Inventory['failures']> {
    const all = Object.entries(written).map(([name, failed]) => {
      const { backend = 'local' } = this.#desired.models.find((each) => each.name === name) ?? {};
      const { specHash } = this.#fields(name, backend, failed.with);
      const engine = failed.engine ?? 'llama-server 0.7.0';
      return [name, { specHash, engine, generation, at: AT, code: 'out-of-memory', summary: 'It did not fit.' }] as const;
    });
    return Object.fromEntries(all);
  }
}
