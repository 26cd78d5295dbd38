import { basename, dirname, join } from 'node:path';
import type { FoundWeights, Machine } from '../discover/index.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit.ts';
import { chosenEngine, firstFile, type PickedModel } from './first-file.ts';
import { inGiB, describeEngine, describeGpu } from './machine-words.ts';
import { stackPaths } from '../stack/paths.ts';
import { pickModels } from './pick-models.ts';
import { refuseExisting, writeNew, type Ways } from './new-file.ts';
import { print, say } from './screen.ts';
import { schemaReference } from './schema-path.ts';
import { nameForNew, type StackName } from './stack-name.ts';

const WAYS: Ways = {
  instead: 'Type `llmops plan` to see what it would do, or `llmops init --stdout` to see what init would write.',
  elsewhere: 'name another one with -C or -f',
};

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
  if (!flags.stdout) refuseExisting(paths, WAYS);
  const { discoverMachine, findWeights } = await import('../discover/index.ts');
  const [machine, weights] = await Promise.all([
    discoverMachine({ env: context.env, signal: context.signal, deadlineMs: DEADLINE_MS }),
    findWeights(paths.baseDir, context.signal),
  ]);
  const choice = await chooseModels(weights, machine.host.availableBytes, paths.baseDir);
  const { picks } = choice;
  const named = await nameForNew(context, paths);
  const text = firstFile({ stack: named.name, machine, picks, schema: schemaReference(paths.baseDir) });
  const said = flags.stdout ? context.stderr : context.stdout;
  await say(said, findings(machine, weights.length, choice).join('\n'));
  if (flags.stdout) await print(context.stdout, text);
  else await writeNew(paths, text, WAYS);
  await say(said, closing(machine, picks, named, flags.stdout ? null : paths.shown).join('\n'));
  return EXIT.ok;
}

/** Architectures that give vectors or see images and cannot answer a question. Names as in `general.architecture`. */
const NO_TEXT = /bert|clip|t5encoder/;

/** Chooses models whose headers can be read and which generate text; another file steps in for one that is left out. */
async function chooseModels(found: readonly FoundWeights[], memoryBytes: number, baseDir: string): Promise<Choice> {
  const { readGgufFacts } = await import('../catalog/index.ts');
  const leftOut = new Map<string, string>();
  for (;;) {
    const picks = pickModels(
      found.filter(({ path }) => !leftOut.has(path)),
      memoryBytes,
    );
    const read = await Promise.all(
      picks.map(async (pick) => ({ pick, facts: await readGgufFacts(join(baseDir, pick.weights.path)).catch(() => null) })),
    );
    const bad = read.filter(({ facts }) => facts === null || NO_TEXT.test(facts.architecture));
    for (const { pick, facts } of bad)
      leftOut.set(pick.weights.path, facts === null ? 'not a whole GGUF file' : `${facts.architecture} generates no text`);
    if (bad.length === 0)
      return { picks: read.map(({ pick, facts }) => ({ ...pick, contextTrained: facts?.contextTrained ?? null })), leftOut };
  }
}

interface Choice {
  readonly picks: readonly PickedModel[];
  /** Path to the reason. */
  readonly leftOut: ReadonlyMap<string, string>;
}

function findings(machine: Machine, weights: number, { picks, leftOut }: Choice): readonly string[] {
  const { host, engines, gpus, trouble } = machine;
  return [
    'Found on this machine:',
    `  memory   ${inGiB(host.ramBytes)} RAM, ${inGiB(host.availableBytes)} of it available; ${host.cpus} CPUs`,
    ...(gpus.length > 0 ? gpus.map((gpu) => `  GPU      ${describeGpu(gpu)}`) : [`  GPU      none${trouble ? ` (${trouble})` : ''}`]),
    ...(engines.length > 0 ? engines.map((engine) => `  engine   ${describeEngine(engine)}`) : ['  engine   none']),
    `  weights  ${weights === 0 ? 'no GGUF file here or in ./models' : `${weights} GGUF ${weights === 1 ? 'file' : 'files'}`}`,
    ...picks.map((pick) => `           ${pick.name}: ${pick.weights.path}`),
    ...(weights > 0 && picks.length === 0 ? ['           none that loads and fits the memory that is available'] : []),
    ...[...leftOut].map(([path, reason]) => `           left out: ${path}: ${reason}`),
    '',
  ];
}

function closing(machine: Machine, picks: readonly PickedModel[], { name, taken }: StackName, wrote: string | null): readonly string[] {
  const lines =
    wrote === null
      ? []
      : [
          `Wrote ${wrote}: ${picks.length === 0 ? 'no model yet' : `${picks.length} ${picks.length === 1 ? 'model' : 'models'}`}, on ${chosenEngine(machine.engines)}.`,
        ];
  if (taken !== null) lines.push(`The stack is called ${name}, as ${taken.name} is the name of ${taken.owner}.`);
  const needsEngine = chosenEngine(machine.engines) === 'embedded' && !machine.engines.some((engine) => engine.name === 'node-llama-cpp');
  if (needsEngine)
    lines.push('No engine was found that this version can run: install llama.cpp (llama-server), or `npm install node-llama-cpp`.');
  if (wrote === null) return lines;
  const where = dirname(wrote) === '.' ? '' : ` -C ${forShell(dirname(wrote))}`;
  const file = basename(wrote) === 'llmops.yaml' ? '' : ` -f ${forShell(basename(wrote))}`;
  return [
    ...lines,
    picks.length === 0
      ? `Next: put a model into it (the file says how), then llmops lock${where}${file} and llmops plan${where}${file}`
      : `Next: llmops plan${where}${file}`,
  ];
}

/** A word that a shell takes as it is. */
function forShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
