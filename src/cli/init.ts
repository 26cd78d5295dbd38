import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Machine } from '../discover/index.ts';
import { ProblemError } from '../domain/problem.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit.ts';
import { chosenEngine, firstFile, type PickedModel } from './first-file.ts';
import { inGiB, describeEngine, describeGpu } from './machine-words.ts';
import { stackPaths, type StackPaths } from './paths.ts';
import { pickModels } from './pick-models.ts';
import { print } from './screen.ts';

interface InitFlags {
  readonly chdir?: string;
  readonly file?: string;
  readonly stdout?: boolean;
}

/** For each program that is asked what it is. */
const DEADLINE_MS = 3000;

/**
 * `llmops init`: looks at this machine and writes a first llmops.yaml that plans without an error. What it found goes
 * to stderr with `--stdout`, so that the file alone is on stdout. Never overwrites.
 */
export async function run(context: CliContext, flags: InitFlags): Promise<number> {
  const paths = stackPaths(context, flags);
  if (!flags.stdout) await refuseExisting(paths);
  const { discoverMachine, findWeights } = await import('../discover/index.ts');
  const [machine, weights] = await Promise.all([
    discoverMachine({ env: context.env, signal: context.signal, deadlineMs: DEADLINE_MS }),
    findWeights(paths.baseDir, context.signal),
  ]);
  const picks = await withFacts(pickModels(weights, machine.host.availableBytes), paths.baseDir);
  const text = firstFile({ folder: basename(paths.baseDir), machine, picks, schema: schemaBeside(paths.baseDir) });
  const said = flags.stdout ? context.stderr : context.stdout;
  await print(said, findings(machine, weights.length, picks).join('\n'));
  if (flags.stdout) await print(context.stdout, text);
  else await writeNew(paths, text);
  await print(said, closing(machine, picks, flags.stdout ? null : paths.shown).join('\n'));
  return EXIT.ok;
}

async function refuseExisting(paths: StackPaths): Promise<void> {
  const folder = await stat(paths.baseDir).catch(() => null);
  if (!folder?.isDirectory()) {
    throw new ProblemError({ code: 'no-folder', summary: `There is no folder ${paths.baseDir}.`, fix: 'Make it first, or name another one with -C.' });
  }
  if (existsSync(paths.file)) throw alreadyThere(paths);
}

function alreadyThere(paths: StackPaths): ProblemError {
  return new ProblemError({
    code: 'file-exists',
    summary: `${paths.shown} is there already. It was left as it is.`,
    fix: 'Type `llmops plan` to see what it would do, or `llmops init --stdout` to see what init would write.',
  });
}

/** `wx`: even a file that came into being since we looked is not overwritten. */
async function writeNew(paths: StackPaths, text: string): Promise<void> {
  try {
    await writeFile(paths.file, text, { flag: 'wx' });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === 'EEXIST') throw alreadyThere(paths);
    throw new ProblemError({ code: 'file-not-writable', summary: `${paths.shown} cannot be written: ${code}.`, fix: 'Mend the permissions of the folder, or name another one with -C.' }, error);
  }
}

/** What the headers of the chosen files tell. A file that cannot be read is left for `plan` to complain about. */
async function withFacts(picks: ReturnType<typeof pickModels>, baseDir: string): Promise<readonly PickedModel[]> {
  const { readGgufFacts } = await import('../catalog/index.ts');
  return Promise.all(
    picks.map(async (pick) => {
      const facts = await readGgufFacts(join(baseDir, pick.weights.path)).catch(() => null);
      return { ...pick, contextTrained: facts?.contextTrained ?? null };
    }),
  );
}

/** Our schema, if it lies where the file can name it by a relative path that is true for everybody who clones the folder. */
function schemaBeside(baseDir: string): string | null {
  return ['./schemas/llmops.schema.json', './node_modules/llmops/schemas/llmops.schema.json'].find((path) => existsSync(join(baseDir, path))) ?? null;
}

function findings(machine: Machine, weights: number, picks: readonly PickedModel[]): readonly string[] {
  const { host, engines, gpus, trouble } = machine;
  return [
    'Found on this machine:',
    `  memory   ${inGiB(host.ramBytes)} RAM, ${inGiB(host.availableBytes)} of it available; ${host.cpus} CPUs`,
    ...(gpus.length > 0 ? gpus.map((gpu) => `  GPU      ${describeGpu(gpu)}`) : [`  GPU      none${trouble ? ` (${trouble})` : ''}`]),
    ...(engines.length > 0 ? engines.map((engine) => `  engine   ${describeEngine(engine)}`) : ['  engine   none']),
    `  weights  ${weights === 0 ? 'no GGUF file here or in ./models' : `${weights} GGUF ${weights === 1 ? 'file' : 'files'}`}`,
    ...picks.map((pick) => `           ${pick.name}: ${JSON.stringify(pick.weights.path).slice(1, -1)}`),
    '',
  ];
}

function closing(machine: Machine, picks: readonly PickedModel[], wrote: string | null): readonly string[] {
  const lines = wrote === null ? [] : [`Wrote ${wrote}: ${picks.length === 0 ? 'no model yet' : `${picks.length} ${picks.length === 1 ? 'model' : 'models'}`}, on ${chosenEngine(machine.engines)}.`];
  const needsEngine = chosenEngine(machine.engines) === 'embedded' && !machine.engines.some((engine) => engine.name === 'node-llama-cpp');
  if (needsEngine) lines.push('No engine was found that this version can run: install llama.cpp (llama-server), or `npm install node-llama-cpp`.');
  if (wrote === null) return lines;
  const where = dirname(wrote) === '.' ? '' : ` -C ${dirname(wrote)}`;
  const file = basename(wrote) === 'llmops.yaml' ? '' : ` -f ${basename(wrote)}`;
  return [...lines, picks.length === 0 ? `Next: put a model into it (the file says how), then llmops plan${where}${file}` : `Next: llmops plan${where}${file}`];
}
