import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { resolveArtifacts, type Resolved } from '../../src/catalog/index.ts';
import type { Desired, ModelSpec } from '../../src/domain/desired.ts';

/** A model of a test: a name, a path, and what is declared about it. */
type Declared = { readonly file: string } & Partial<Pick<ModelSpec, 'quantizations' | 'sha256'>>;

/** A folder of weights, and a look at them. */
export interface Shelf {
  readonly folder: string;
  readonly cacheDir: string;
  /** Models whose weights were really read, in the order in which they were done. */
  readonly read: string[];
  /** Called whenever some bytes were read. */
  meanwhile: () => void;
  put(name: string, bytes: Buffer | string): string;
  resolve(models: Readonly<Record<string, Declared>>, more?: Partial<Desired>, signal?: AbortSignal): Promise<Resolved>;
  remove(): void;
}

/** A new folder for each test. Every declared source stands on a line of its own in `llmops.yaml`. */
export function makeShelf(): Shelf {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'llmops-catalog-')));
  const read: string[] = [];
  const shelf: Shelf = {
    folder: root,
    cacheDir: join(root, 'cache'),
    read,
    meanwhile: () => undefined,
    put(name, bytes) {
      writeFileSync(join(root, name), bytes);
      return join(root, name);
    },
    resolve: (models, more = {}, signal = new AbortController().signal) =>
      resolveArtifacts(
        { ...desiredOf(models), ...more },
        {
          baseDir: root,
          cacheDir: shelf.cacheDir,
          signal,
          progress: (model, done, total) => {
            shelf.meanwhile();
            if (done === total) read.push(model);
          },
        },
      ),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  return shelf;
}

function desiredOf(models: Readonly<Record<string, Declared>>): Desired {
  const specs = Object.entries(models).map(([name, { file, quantizations = [], sha256 = null }]) =>
    specOf(name, file, quantizations, sha256),
  );
  const places = specs.map(({ name }, index) => [`models.${name}.source`, { file: 'llmops.yaml', line: index + 1, column: 13 }] as const);
  return {
    stack: 's',
    file: 'llmops.yaml',
    environment: null,
    revision: '',
    backends: [],
    models: specs,
    inert: [],
    places: Object.fromEntries(places),
  };
}

function specOf(name: string, file: string, quantizations: readonly string[], sha256: string | null): ModelSpec {
  return {
    name,
    backend: 'b',
    source: { kind: 'file', path: file, written: `file:${file}` },
    quantizations,
    sha256,
    context: null,
    parallel: 1,
    kvCache: null,
    offload: { gpuLayers: null, cpuMoeLayers: null, devices: null },
    load: 'always',
    drift: { default: 'correct', fields: {} },
    rollout: { strategy: 'auto', holdMs: 0, drainMs: 0, bakeMs: 0 },
    protect: false,
    options: {},
  };
}

/** Waits until a file is old enough for its digest to be remembered: clocks of file systems tick slowly. */
export async function settle(file: string): Promise<void> {
  while (Date.now() - (await stat(file)).ctimeMs < 100) await setImmediate();
}
