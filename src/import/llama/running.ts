import { isLoopback } from '../../domain/http.ts';
import { entry, group, isEntries, type Entry, type Imported, type NotCarried } from '../imported.ts';
import { countOf, listOf, mapOf, textOf } from '../json.ts';
import { plainModelName } from '../names.ts';
import { wordsOfVariables } from './flags.ts';
import { llamaModel, type LlamaCall, type LlamaModel } from './index.ts';

/** So many names of variables are told. */
const MOST_NAMES = 4;

/** What a llama-server told about itself. */
export interface LlamaAnswers {
  readonly url: string;
  /** /props */
  readonly props: unknown;
  /** /v1/models */
  readonly models: unknown;
  /** The process's own words, where it runs on this machine and they can be read; null: they cannot. */
  readonly call: LlamaCall | null;
  /** Program that runs, where it is known: a path. */
  readonly program: string | null;
}

/** A running llama-server as a backend with one model. Pure. */
export function importLlamaServer(answers: LlamaAnswers): Imported {
  const props = mapOf(answers.props);
  const listed = mapOf(listOf(mapOf(answers.models)['data'])[0]);
  const told = answers.call === null ? null : llamaModel(answers.call);
  const source = told?.source ?? fileOf(textOf(props['model_path']));
  const original = told?.alias ?? textOf(props['model_alias']) ?? textOf(listed['id']) ?? textOf(props['model_path']) ?? 'model';
  const build = textOf(props['build_info']);
  const from = `llama-server${build === null ? '' : ` ${build}`} at ${answers.url}`;
  // A running one keeps its port.
  const lost = (told?.lost ?? []).filter(({ what }) => what !== '--port').map((one): NotCarried => ({ ...one, where: original }));
  if (source === null) {
    const why = 'the server does not tell which file it loaded, or its words cannot be read from here. Router mode: declare each model';
    return { from, backends: [], models: [], notCarried: [{ what: original, why }, ...lost] };
  }
  return {
    from,
    backends: [{ original: 'local', notes: [], entries: [...entry('type', 'llama.cpp'), ...entry('engine', answers.program)] }],
    models: [
      {
        original,
        wish: plainModelName(original).replace(/\.gguf$/i, ''),
        backend: 'local',
        notes: [],
        entries: withSeen(asItRuns(told?.entries ?? entry('source', source), answers), props),
      },
    ],
    notCarried: [
      ...(told === null ? [unseen(answers.url)] : []),
      ...lost,
      ...fromVariables(answers, original),
      ...elsewhere(answers, source, original),
      ...shared(told, props, original),
    ],
  };
}

/**
 * What llmops would do otherwise and nobody said: so that the process itself is what the file declares, and can be taken over. Where
 * its words are not known it cannot be.
 */
function asItRuns(entries: readonly Entry[], { call, url }: LlamaAnswers): readonly Entry[] {
  if (call === null) return entries;
  const options = entries.find(({ key }) => key === 'options')?.value;
  const port = countOf(new URL(url).port);
  return [
    ...entries.filter(({ key }) => key !== 'options'),
    ...group('options', [
      ...entry('port', port, 'its clients know it. Without it every change is without a gap, at another address'),
      ...(toldOf(call).includes('--metrics') ? [] : entry('metrics', false, 'as it runs now')),
      ...(options !== undefined && isEntries(options) ? options.entries : []),
    ]),
  ];
}

function toldOf({ words, env }: LlamaCall): readonly string[] {
  return [...wordsOfVariables(env).words, ...words];
}

/** The file says what the variables said, and a process that has them is still none that llmops could have started. */
function fromVariables({ call }: LlamaAnswers, where: string): readonly NotCarried[] {
  const names = Object.keys(call?.env ?? {}).filter((name) => name.startsWith('LLAMA_ARG_'));
  if (names.length === 0) return [];
  const shown = [...names.slice(0, MOST_NAMES), ...(names.length > MOST_NAMES ? [`${names.length - MOST_NAMES} more`] : [])].join(', ');
  const why = 'a process that has its settings from variables cannot be taken over (`llmops apply --adopt`): start it with flags for that';
  return [{ what: `variables (${shown})`, why, where }];
}

/** A path of another machine means nothing to an engine that is started here. */
function elsewhere(answers: LlamaAnswers, source: string, where: string): readonly NotCarried[] {
  const isHere = isLoopback(new URL(answers.url).host);
  const why = 'it lies on that machine, and llmops starts llama-server on this one: bring it here, or run llmops there';
  return isHere || !source.startsWith('file:') ? [] : [{ what: 'the file of the weights', why, where }];
}

function unseen(url: string): NotCarried {
  return {
    what: 'flags (GPU layers, KV cache, batch, ...)',
    why: 'the server does not tell them, and its process cannot be read from here',
    where: url,
  };
}

function fileOf(path: string | null): string | null {
  return path === null || path.includes('://') ? null : `file:${path}`;
}

/** Where the words leave context and requests open, what is in force. */
function withSeen(entries: readonly Entry[], props: Readonly<Record<string, unknown>>): readonly Entry[] {
  const context = countOf(mapOf(props['default_generation_settings'])['n_ctx']);
  const slots = countOf(props['total_slots']);
  const rest = entries.filter(({ key }) => key !== 'source' && key !== 'quantization' && key !== 'context' && key !== 'parallel');
  const seen = (key: string, value: number | null): readonly Entry[] =>
    value === null
      ? entries.filter((one) => one.key === key)
      : entry(key, value, entries.some((one) => one.key === key) ? undefined : 'as it runs now');
  return [
    ...entries.filter(({ key }) => key === 'source' || key === 'quantization'),
    ...seen('context', context),
    ...seen('parallel', slots),
    ...rest,
  ];
}

/** Without `-np` llama-server makes four slots over one cache; llmops gives each request its own. */
function shared(told: LlamaModel | null, props: Readonly<Record<string, unknown>>, where: string): readonly NotCarried[] {
  const slots = countOf(props['total_slots']) ?? 1;
  if (told === null || told.parallel !== null || slots === 1) return [];
  const why = `its ${slots} slots share one cache; in llmops each request has a context of its own, which takes more memory. Lower \`parallel\` if it does not fit`;
  return [{ what: 'slots', why, where }];
}
