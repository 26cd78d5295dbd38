import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plan, StepOf } from '../src/domain/plan.ts';
import { acquireLease, openState } from '../src/state/index.ts';
import { startWorld, type World, type WorldOptions } from '../test/world/server.ts';
import { runOnce, type Run } from './measure.ts';

const root = join(import.meta.dirname, '..');
const weights = join(root, 'examples/models/desk-TQ1_0.gguf');

/** A stack of many models on ten fake backends, and the command line that plans it over HTTP. */
export interface WorldStack {
  readonly world: World;
  readonly dir: string;
  readonly stateDir: string;
  llmops(args: readonly string[], expected?: readonly number[]): Promise<Run>;
  /** Starts a command that stays. */
  spawn(args: readonly string[]): ChildProcess;
  remove(): Promise<void>;
}

/** Writes llmops.yaml with `models` models in turn on `backends` backends, each with settings of its own. */
export async function worldStack(models: number, backends: number, options: WorldOptions = {}): Promise<WorldStack> {
  const dir = await mkdtemp(join(tmpdir(), 'llmops-bench-'));
  const world = await startWorld(options);
  await mkdir(join(dir, 'home'));
  await writeFile(join(dir, 'llmops.yaml'), stackText(models, backends));
  const env = { HOME: join(dir, 'home'), XDG_STATE_HOME: join(dir, 'state'), XDG_CACHE_HOME: join(dir, 'cache'), LLMOPS_WORLD: world.url };
  // The flags of bin/llmops.
  const main = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1', join(root, 'test/world/main.ts'), '-C', dir];
  return {
    world,
    dir,
    stateDir: join(dir, 'state/llmops/bench'),
    spawn: (args) => spawn(process.execPath, [...main, ...args], { env: { ...process.env, ...env }, stdio: 'ignore' }),
    llmops: (args, expected = [0]) => runOnce(process.execPath, [...main, ...args], { env, expected }),
    async remove() {
      await world.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function stackText(models: number, backends: number): string {
  const backend = (n: number) => `  box${n}: { type: llama.cpp }\n`;
  const model = (n: number) =>
    `  model-${n}:\n    backend: box${n % backends}\n    source: file:${weights}\n    context: ${256 + (n % 3) * 256}\n    parallel: ${1 + (n % 4)}\n`;
  const all = (count: number, one: (n: number) => string) => Array.from({ length: count }, (_, n) => one(n)).join('');
  return `version: 1\nname: bench\nallowOutside: true\nbackends:\n${all(backends, backend)}models:\n${all(models, model)}`;
}

/** Makes the world and the state what an apply would have made them, without its one-by-one requests. */
export async function convergeAtOnce(stack: WorldStack): Promise<void> {
  const into = join(stack.dir, 'plan.json');
  await stack.llmops(['plan', '--json-into', into]);
  const plan = JSON.parse(await (await import('node:fs/promises')).readFile(into, 'utf8')) as Plan;
  const dir = join(stack.dir, 'state/llmops/bench');
  const state = await openState(dir);
  const lease = await acquireLease(dir, { command: 'bench', waitMs: 0 });
  const header = {
    plan,
    who: 'bench',
    source: { file: join(stack.dir, 'llmops.yaml'), text: '', commit: null },
    now: () => '2026-01-01T00:00:00.000Z',
  };
  const run = await state.beginRun(lease, header);
  const starts = plan.steps.filter((step): step is StepOf<'start'> => step.op === 'start');
  const records = new Map(
    plan.steps.filter((step): step is StepOf<'record'> => step.op === 'record').map((step) => [step.model, step.applied]),
  );
  await run.begin({ id: 'bench', op: 'record', model: 'bench', instance: 'bench' });
  await run.end({ id: 'bench', op: 'record', model: 'bench', instance: 'bench' }, 'done');
  await Promise.all(
    starts.map(async ({ spec, backend, model }) => {
      const realm = stack.world.realm(backend);
      const { endpoint } = realm.start(spec.id, spec, dir).body as { endpoint: string };
      realm.probe(spec.id);
      await Promise.all([run.publish(model, { instance: spec.id, url: endpoint }), run.record(model, records.get(model) ?? null)]);
    }),
  );
  await run.finish('succeeded', [], 0);
  lease.release();
}
