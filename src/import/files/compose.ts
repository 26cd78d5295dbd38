import { parseForeign, wrongFile, type ForeignFile } from '../foreign.ts';
import { entry, group, type Imported, type Item, type NotCarried } from '../imported.ts';
import { countOf, listOf, mapOf, textOf, type Unknowns } from '../json.ts';
import { llamaModel } from '../llama/index.ts';
import { hostPort, serviceOf, type Service } from './compose-service.ts';
import { backendsFor, takeCall } from './program.ts';

type Model = Item & { readonly backend: string };

interface Taken {
  readonly models: readonly Model[];
  readonly backends: readonly Item[];
  readonly notCarried: readonly NotCarried[];
}

/** Engines by their images. */
const OLLAMA = /(^|\/)ollama(:|@|$)/;
const LLAMA = /(^|\/)(llama\.cpp|llama-server|llamacpp)([-:@]|$)/;
const VLLM = /(^|\/)vllm(-openai)?(-\w+)?(:|@|$)/;

/** A compose file: its `models`, and services that run an engine. Pure. Source: docs.docker.com/reference/compose-file/models. */
export function importCompose(file: ForeignFile): Imported {
  const root = parseForeign(file);
  if (!('services' in root) && !('models' in root)) throw wrongFile(file, 'Docker Compose', 'services');
  const declared = Object.entries(mapOf(root['models'])).map(([name, model]) => takeDeclared(name, mapOf(model)));
  const services = Object.entries(mapOf(root['services'])).map(([name, service]) => ({
    name,
    taken: takeService(name, mapOf(service), file),
  }));
  const taken = [...declared, ...services.flatMap(({ taken: one }) => (one === null ? [] : [one]))];
  const others = services.filter(({ taken: one }) => one === null).map(({ name }) => name);
  const models = unique(taken.flatMap((one) => one.models));
  const engines = backendsFor(models);
  return {
    from: `the compose file ${file.name}`,
    backends: [...engines.backends, ...taken.flatMap(({ backends }) => backends)],
    models,
    notCarried: [
      ...engines.notCarried,
      ...(others.length === 0 ? [] : [{ what: `services ${others.join(', ')}`, why: 'they run no engine that llmops knows' }]),
      ...taken.flatMap(({ notCarried }) => notCarried),
    ],
  };
}

/** A model and a service may be called the same. */
function unique(models: readonly Model[]): readonly Model[] {
  return models.map((model, index) =>
    models.slice(0, index).some(({ original }) => original === model.original)
      ? { ...model, original: `${model.original} (service)`, wish: model.original }
      : model,
  );
}

/** `models.NAME`: Docker's own model runner fetches and runs it. */
function takeDeclared(name: string, model: Unknowns): Taken {
  const written = textOf(model['model']) ?? '';
  const [, repo, quantization] = /^(?:hf\.co|huggingface\.co)\/([\w.-]+\/[\w.-]+)(?::([\w.-]+))?$/.exec(written) ?? [];
  if (repo === undefined) {
    const why =
      'its weights are an artifact in a registry of images, which llmops does not fetch; declare it with the same model on the Hub (`source: hf:OWNER/REPO`)';
    return { models: [], backends: [], notCarried: [{ what: name, why }] };
  }
  const flags = listOf(model['runtime_flags']).map(String);
  const told = llamaModel({ words: flags, env: {}, path: () => null });
  const context = countOf(model['context_size']) ?? countOf(model['context-size']);
  const known = new Set(['model', 'context_size', 'context-size', 'runtime_flags']);
  return {
    backends: [],
    models: [
      {
        original: name,
        backend: 'llama.cpp',
        notes: [],
        entries: [
          ...entry('source', `hf:${repo}`),
          ...entry('quantization', quantization === undefined || quantization === 'latest' ? null : quantization.toUpperCase()),
          ...entry('context', context),
          ...told.entries.filter(({ key }) => key !== 'source' && (key !== 'context' || context === null)),
        ],
      },
    ],
    notCarried: [
      ...told.lost.map((one): NotCarried => ({ ...one, where: name })),
      ...Object.keys(model)
        .filter((key) => !known.has(key))
        .map((key): NotCarried => ({ what: key, why: 'llmops has no key for it', where: name })),
    ],
  };
}

/** null: the service runs no engine. */
function takeService(name: string, written: Unknowns, file: ForeignFile): Taken | null {
  const provider = mapOf(written['provider']);
  if (provider['type'] === 'model') return takeDeclared(name, { ...mapOf(provider['options']) });
  const service = serviceOf(written, file.path);
  if (OLLAMA.test(service.image)) return takeOllama(name, service);
  const engine = LLAMA.test(service.image) ? 'llama-server' : VLLM.test(service.image) ? 'vllm' : null;
  if (engine === null) return null;
  const hasProgram = service.words.slice(0, 3).some((word) => /(^|\/)(llama-server|vllm)$/.test(word));
  const { model, notCarried } = takeCall({
    original: name,
    words: [...(hasProgram ? [] : [engine]), ...service.words],
    env: service.env,
    path: service.path,
  });
  return {
    backends: [],
    models: model === null ? [] : [model],
    notCarried: [
      ...notCarried.filter(({ what }) => what !== '--host' && what !== '--port'),
      ...(service.ports.length === 0 ? [] : [{ what: 'ports', why: PORTS, where: name }]),
      ...leftOver(name, service, `llmops starts ${engine} itself, not in a container`),
    ],
  };
}

const PORTS =
  'each copy listens on 127.0.0.1, on a port of its own that `llmops status` shows; `options: { port: N }` keeps it, and then changes have a gap';

function leftOver(name: string, { missing, others }: Service, why: string): readonly NotCarried[] {
  return [
    ...missing.map((variable): NotCarried => ({ what: `\${${variable}}`, why: 'the file does not say what it stands for', where: name })),
    ...(others.length === 0 ? [] : [{ what: others.join(', '), why, where: name }]),
  ];
}

/** Variables of the server that a backend of type ollama can state. */
function takeOllama(name: string, service: Service): Taken {
  const { OLLAMA_NUM_PARALLEL: parallel, OLLAMA_KV_CACHE_TYPE: kvCache, ...rest } = service.env;
  const port = hostPort(service.ports, 11_434);
  const url = `http://127.0.0.1:${port ?? 11_434}`;
  return {
    models: [],
    backends: [
      {
        original: name,
        notes: [],
        entries: [
          ...entry('type', 'ollama'),
          ...entry('url', url),
          ...group('server', [...entry('parallel', countOf(parallel)), ...entry('kvCache', /^\w+$/.test(kvCache ?? '') ? kvCache : null)]),
        ],
      },
    ],
    notCarried: [
      { what: 'models of Ollama', why: `the file does not name them. When it runs: llmops import ollama ${url}`, where: name },
      ...(port === null ? [{ what: 'ports', why: `${name} publishes no port, so this machine cannot reach it`, where: name }] : []),
      ...Object.keys(rest).map((variable): NotCarried => ({ what: variable, why: 'llmops sets no variables for engines', where: name })),
      ...leftOver(name, service, 'compose still starts Ollama, and llmops uses what runs'),
    ],
  };
}
