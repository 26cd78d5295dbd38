import type { FoundEngine, FoundWeights, Machine } from '../discover/index.ts';

/** What a first llmops.yaml is written from. */
export interface FirstFile {
  /** Name of the stack. */
  readonly stack: string;
  readonly machine: Pick<Machine, 'engines' | 'gpus' | 'host'>;
  /** Models to run, at most a few. */
  readonly picks: readonly PickedModel[];
  /** What names our JSON Schema to the editor. */
  readonly schema: string;
}

/** A model that the first file declares. */
export interface PickedModel {
  readonly name: string;
  readonly weights: FoundWeights;
  /** Other files of the same model, for a comment. */
  readonly others: readonly string[];
  /** Tokens the model was trained for; null: not known. */
  readonly contextTrained: number | null;
}

/** A context that most models know and most machines can hold. */
const GOOD_CONTEXT = 4096;

/** The engine that the first file uses: llama-server where there is one, else the embedded one. */
export function chosenEngine(engines: readonly FoundEngine[]): 'llama.cpp' | 'embedded' {
  return engines.some((engine) => engine.name === 'llama-server') ? 'llama.cpp' : 'embedded';
}

/** The text of a first llmops.yaml: valid, commented, and about this machine. Pure. */
export function firstFile(input: FirstFile): string {
  const header = [
    `# yaml-language-server: $schema=${input.schema}`,
    '# What shall run on this machine. Written by `llmops init`; now it is yours.',
    '#   llmops plan     shows what would change, and what it costs',
    '#   llmops apply    makes it so',
    'version: 1',
    `name: ${yamlName(input.stack)} # names state, processes and metrics`,
  ];
  return `${[...header, '', ...backendLines(input), '', ...modelLines(input)].join('\n')}\n`;
}

function backendLines({ machine }: FirstFile): readonly string[] {
  if (chosenEngine(machine.engines) === 'llama.cpp') {
    const server = machine.engines.find((engine) => engine.name === 'llama-server');
    return [
      'backends:',
      '  local:',
      `    type: llama.cpp # llmops starts llama-server${server?.version ? ` (${comment(server.version)} was found)` : ''}, one process per model`,
      ...(machine.gpus.some((gpu) => gpu.totalBytes !== null) ? ['    reserve: { vram: 1GiB } # memory that stays free on each GPU'] : []),
    ];
  }
  return [
    'backends:',
    '  local:',
    '    type: embedded # llama.cpp in a child process of llmops itself; nothing to install but node-llama-cpp',
  ];
}

function modelLines(input: FirstFile): readonly string[] {
  if (input.picks.length > 0)
    return [
      '# The names are what clients send as "model".',
      'models:',
      ...input.picks.flatMap((pick, index) => [...(index > 0 ? [''] : []), ...modelEntry(pick)]),
    ];
  return [
    '# No GGUF file was found here or in ./models; llmops fetches weights itself.',
    '# For instance a small model of 640 MB:',
    '# Put this in place of `models: {}`. The name is what clients send as "model".',
    '# models:',
    '#   chat:',
    '#     backend: local',
    '#     source: hf:Qwen/Qwen3-0.6B-GGUF',
    '#     quantization: Q8_0',
    `#     context: ${GOOD_CONTEXT} # tokens for one request, prompt and answer together`,
    '#     parallel: 2 # requests served at once',
    '# Then `llmops lock` pins what that is now, and `llmops apply` fetches it.',
    '# A file of your own is `source: file:PATH`, and needs no lock.',
    'models: {}',
  ];
}

function modelEntry(pick: PickedModel): readonly string[] {
  const context = Math.min(GOOD_CONTEXT, pick.contextTrained ?? GOOD_CONTEXT);
  const trained = pick.contextTrained === null ? '' : `; the model was trained for ${pick.contextTrained}`;
  return [
    `  ${yamlName(pick.name)}:`,
    '    backend: local',
    `    source: ${yamlText(sourceOf(pick.weights.path))}`,
    ...(pick.others.length > 0 ? [`    # also here: ${pick.others.map(comment).join(', ')}`] : []),
    `    context: ${context} # tokens for one request${trained}`,
    '    parallel: 2 # requests served at once',
  ];
}

function sourceOf(path: string): string {
  return /^\s/.test(path) ? `file:./${path}` : `file:${path}`;
}

/** A name as the schema wants it, from any text: `Qwen3 8B (new)` becomes `qwen3-8b-new`. */
export function safeName(text: string, fallback: string): string {
  const name = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9._]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 40);
  return name === '' || name === 'constructor' ? fallback : name;
}

/** A scalar that YAML takes as this text: names such as `1.5`, `null` or `on` would be read as something else. */
function yamlName(name: string): string {
  return /^[a-z][a-z0-9._-]*$/.test(name) && !/^(null|true|false|yes|no|on|off|y|n)$/.test(name) ? name : JSON.stringify(name);
}

function yamlText(text: string): string {
  return /^file:[A-Za-z0-9_./][A-Za-z0-9_./@+=-]*$/.test(text) ? text : JSON.stringify(text);
}

/** Text inside a comment: one line, and nothing that a terminal would obey. */
function comment(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?');
}
