import type { CheckProblem } from '../../domain/backend.ts';
import type { Artifact, BackendSpec, JsonObject, ModelSpec } from '../../domain/desired.ts';
import { isLoopback } from '../../domain/http.ts';
import { heldKey, type ObservedBackend, type Unpullable } from '../../domain/observed.ts';
import type { Problem } from '../../domain/problem.ts';
import { isOpen } from '../../domain/weights.ts';
import { leftBeside } from '../kit/weights.ts';
import { tagName } from './names.ts';
import { nameTaken, notKept, registryNotAllowed } from './problems.ts';
import { mayName, servesItself, urlOf } from './options.ts';
import { disputed } from './settings.ts';
import { rivalProblem } from './siblings.ts';
import { compareVersions } from './version.ts';

/** Older ones have holes that are open to whoever reaches the port (CVE-2026-7482, CVE-2026-7020). */
const OLDEST = '0.20.3';
/** From here on models run in llama-server, which is what this driver was made and tested with. */
const TESTED = '0.30.0';

/** In place of a version: llmops starts the server when something is to run on it, and it tells its version then. */
export const NOT_RUNNING = '(not running)';

/** Of another name on the server that is not ours: `taken:chat`, or `taken:chat lab` if it is the stack lab's, among the capabilities. */
export const TAKEN = 'taken:';

/** What Ollama cannot do for this model, or does otherwise than one may think. Pure. */
export function checkModel(model: ModelSpec, artifact: Artifact, backend: BackendSpec, observed: ObservedBackend): readonly CheckProblem[] {
  const unpullable = unpullableIn(observed, artifact);
  const found = [
    openServer(backend),
    ...sourceProblems(model, backend),
    leftBehind(model, artifact, unpullable),
    ...besideProblems(model, artifact, unpullable),
    contextProblem(model, artifact),
    sightProblem(model, artifact, unpullable),
    quantizationProblem(model, artifact),
    ...serverProblems(model, artifact, backend),
    rivalProblem(model, backend),
  ];
  const seen = observed.status === 'reachable' ? [versionProblem(backend, observed), takenProblem(model, observed)] : [];
  return [...found, ...seen].filter((problem) => problem !== null);
}

/** Ollama asks nobody for a key, and speaks plain HTTP: with either there is something in front of it. */
function openServer({ name, options }: BackendSpec): Problem | null {
  const url = new URL(urlOf(options));
  const guarded = url.protocol === 'https:' || (options['apiKey'] ?? null) !== null;
  if (isLoopback(url.hostname) || guarded || options['acknowledgeOpen'] === true) return null;
  return {
    severity: 'warning',
    code: 'server-open',
    summary: `The Ollama server of backend ${name} at ${url.host} asks for no key: whoever reaches it can use, replace and delete its models.`,
    fix: `Put a proxy with HTTPS or a key in front of it, or set backends.${name}.acknowledgeOpen to true.`,
  };
}

function sourceProblems({ name, source }: ModelSpec, backend: BackendSpec): readonly Problem[] {
  if (source.kind !== 'ollama') return [];
  if (!mayName(source.host, backend.options)) return [registryNotAllowed(name, source.host, backend)];
  if (!/(^|-)(cloud|local)$/.test(source.tag)) return [];
  const summary = `${name} names the tag ${source.tag}, which Ollama reads as a place and not as a tag: a cloud model has no weights.`;
  return [{ severity: 'error', code: 'engine-cannot', summary, fix: 'Name a tag with weights.' }];
}

/** Why the server cannot pull these weights itself; null: it can, as far as is known, or need not. */
function unpullableIn(observed: ObservedBackend, artifact: Artifact): Unpullable | null {
  const all = observed.status === 'reachable' ? (observed.unpullable ?? []) : [];
  return all.length === 0 ? null : (all.find(({ key }) => key === heldKey(artifact)) ?? null);
}

/** What a server cannot pull it gets as files from here, and what the tag says besides does not come along. */
function leftBehind({ name }: ModelSpec, { remote }: Artifact, unpullable: Unpullable | null): Problem | null {
  if (remote?.origin.kind !== 'ollama' || (isOpen(remote.origin) && unpullable === null)) return null;
  const { origin } = remote;
  if (unpullable?.why === 'gone') return notKept(name, tagName(origin), origin.host);
  const upgrade = unpullable?.why === 'tag-moved' ? ` Or take what the tag stands for now: llmops lock --upgrade ${name}` : '';
  return {
    severity: 'warning',
    code: 'weights-only',
    summary: `${howTheyCome(name, origin, unpullable)} The template, parameters and system prompt of the tag do not come along.`,
    fix: `Write those that you need under models.${name}.options.${upgrade}`,
  };
}

function howTheyCome(name: string, origin: Parameters<typeof tagName>[0], unpullable: Unpullable | null): string {
  const fetched = 'fetched here and handed over';
  if (unpullable === null) return `The weights of ${name} are ${fetched}, because Ollama cannot log in to their registry.`;
  if (unpullable.why === 'no-redirect')
    return `The weights of ${name} are ${fetched}, because ${origin.host} sends files in a way that Ollama does not take.`;
  const how = unpullable.hasFiles ? 'taken from what the server still has of them' : `fetched here by their digest and handed over`;
  return `${tagName(origin)} stands for something else now than when ${name} was pinned, so the pinned weights are ${how}.`;
}

/** What Ollama pulls comes whole, and only what is handed over comes without the rest. */
function besideProblems(model: ModelSpec, artifact: Artifact, unpullable: Unpullable | null): readonly Problem[] {
  const origin = artifact.remote?.origin;
  if (origin?.kind === 'ollama' && isOpen(origin) && unpullable === null) return [];
  if (unpullable?.why === 'tag-moved')
    return leftBeside(model, artifact, () => `If it is needed, take what the tag stands for now: llmops lock --upgrade ${model.name}`);
  const whole =
    origin?.kind === 'hf'
      ? `\`ollama:hf.co/${origin.repo}:QUANTIZATION\`, which Ollama pulls whole`
      : 'a tag that Ollama can pull by itself';
  return leftBeside(model, artifact, () => `If it is needed, set models.${model.name}.source to ${whole}.`);
}

/** Ollama would take a larger context down to the trained one without an error. */
function contextProblem({ name, context }: ModelSpec, { gguf }: Artifact): CheckProblem | null {
  const trained = gguf?.contextTrained ?? null;
  if (trained === null || context === null || context <= trained) return null;
  return {
    severity: 'error',
    code: 'context-exceeds-model',
    field: 'context',
    summary: `${name} asks for a context of ${context} tokens; its weights were trained for ${trained}, and Ollama would run with ${trained}.`,
    expected: `context: ${trained} or less`,
    fix: `Set models.${name}.context to ${trained}, or use weights with a longer context.`,
  };
}

/** An image takes many tokens, so Ollama raises the context of a model with a projector, without an error. Seen with 0.34.4. */
const LEAST_WITH_PROJECTOR = 2048;

function sightProblem({ name, context }: ModelSpec, { gguf, remote }: Artifact, unpullable: Unpullable | null): Problem | null {
  const comesAlong =
    unpullable === null && remote?.origin.kind === 'ollama' && isOpen(remote.origin) && (remote.beside ?? []).includes('projector');
  const least = Math.min(LEAST_WITH_PROJECTOR, gguf?.contextTrained ?? LEAST_WITH_PROJECTOR);
  if (!comesAlong || context === null || context >= least) return null;
  return {
    severity: 'error',
    code: 'engine-cannot',
    summary: `${name} asks for a context of ${context} tokens; it has a projector, and Ollama would run it with ${least}.`,
    expected: `context: ${least} or more`,
    fix: `Set models.${name}.context to ${least}.`,
  };
}

/** `unsupported tensor "token_embd.weight" size overflows`, says 0.34.4 to these. */
function quantizationProblem({ name }: ModelSpec, { gguf }: Artifact): Problem | null {
  const type = gguf?.quantization ?? '';
  if (!/^TQ[12]_0$/.test(type)) return null;
  return {
    severity: 'error',
    code: 'engine-cannot',
    summary: `The weights of ${name} are quantized as ${type}, which Ollama does not take.`,
    fix: 'Use another quantization, or another backend.',
  };
}

function versionProblem({ name }: BackendSpec, { engine }: Extract<ObservedBackend, { status: 'reachable' }>): Problem | null {
  if (engine.status === 'absent' || engine.version === NOT_RUNNING || compareVersions(engine.version, TESTED) >= 0) return null;
  const unknown = compareVersions(engine.version, '0.0.1') < 0;
  const tooOld = !unknown && compareVersions(engine.version, OLDEST) < 0;
  const why = unknown
    ? `does not tell its version (${engine.version}), and might have known holes`
    : tooOld
      ? `is version ${engine.version}, which has known holes that are open to whoever reaches it`
      : `is version ${engine.version}, which runs models in an engine of its own that llmops was not tested with`;
  return {
    severity: tooOld ? 'error' : 'warning',
    code: 'engine-too-old',
    summary: `The Ollama server of backend ${name} ${why}.`,
    expected: tooOld ? `${OLDEST} or newer` : `${TESTED} or newer`,
    fix: 'Update Ollama on that machine.',
  };
}

function takenProblem({ name }: ModelSpec, { engine }: Extract<ObservedBackend, { status: 'reachable' }>): Problem | null {
  if (engine.status !== 'present') return null;
  const found = engine.capabilities.find((each) => each === `${TAKEN}${name}` || each.startsWith(`${TAKEN}${name} `));
  return found === undefined ? null : nameTaken(name, engine.at, found.slice(`${TAKEN}${name} `.length) || null);
}

/** These need several slots to be one: see `load` in Ollama's server/sched.go. */
const ONE_AT_A_TIME = /^(mllama|qwen3vl|qwen3vlmoe|qwen35|qwen35moe|qwen3next|lfm2|lfm2moe|nemotron_h|nemotron_h_moe|nemotron_h_omni)$/;

interface ServerSetting {
  readonly asked: string | number | null;
  /** What `server` of the backend says; null: nothing. */
  readonly declared: string | number | null;
  /** What a server does that nothing was said to. */
  readonly usual: string | number | null;
  readonly key: string;
  readonly variable: string;
  readonly what: string;
}

function serverProblems(model: ModelSpec, artifact: Artifact, backend: BackendSpec): readonly (CheckProblem | null)[] {
  const serves = servesItself(backend.options);
  const server = (backend.options[serves ? 'served' : 'server'] ?? {}) as JsonObject;
  const declared = (key: string): string | number | null => {
    const value = server[key];
    return Array.isArray(value) ? value.join(',') : typeof value === 'string' || typeof value === 'number' ? value : null;
  };
  const settings = settingsOf(model).map((setting) => ({ ...setting, declared: declared(setting.key) }));
  const differing = settings.filter((setting) => isOtherwise(setting));
  const open = new Set(disputed(backend));
  return [
    ...(serves
      ? settings.map((each) => (open.has(each.key) && each.asked !== null ? disagreement(model.name, backend.name, each) : null))
      : differing.map((each) => serverProblem(model.name, backend.name, each))),
    ...(serves ? differing.filter(({ key }) => !open.has(key)).map((each) => notServedSo(model.name, backend.name, each)) : []),
    alone(model, artifact),
    headSize(model, artifact, declared('kvCache')),
  ];
}

/** What a model asks of its server. */
function settingsOf(model: ModelSpec): readonly Omit<ServerSetting, 'declared'>[] {
  const { parallel, kvCache, offload } = model;
  return [
    // More slots than asked for are fine: each has its full context.
    { asked: parallel, usual: 1, key: 'parallel', variable: 'OLLAMA_NUM_PARALLEL', what: `${parallel} requests at once` },
    { asked: kvCache, usual: 'f16', key: 'kvCache', variable: 'OLLAMA_KV_CACHE_TYPE', what: `kvCache ${kvCache}` },
    {
      asked: offload.cpuMoeLayers,
      usual: 0,
      key: 'cpuMoeLayers',
      variable: 'LLAMA_ARG_N_CPU_MOE',
      what: `offload.cpuMoeLayers ${offload.cpuMoeLayers}`,
    },
    {
      asked: offload.devices?.join(',') ?? null,
      usual: null,
      key: 'devices',
      variable: 'CUDA_VISIBLE_DEVICES',
      what: `offload.devices ${offload.devices?.join(',')}`,
    },
  ];
}

function isOtherwise({ asked, declared, usual, key }: ServerSetting): boolean {
  const isSo = declared ?? usual;
  return asked !== null && asked !== isSo && !(key === 'parallel' && Number(isSo) >= Number(asked));
}

/** Models of one served server want it otherwise, each for itself. */
function disagreement(model: string, backend: string, { key, what, variable }: ServerSetting): Problem {
  return {
    severity: 'error',
    code: 'server-shared',
    summary: `${model} asks for ${what}, and another model on backend ${backend} for something else; it is one for a whole Ollama server (${variable}).`,
    fix: `Give all of them the same, or say under backends.${backend}.server.${key} what the server is to be started with.`,
  };
}

/** The file says itself that the server is started otherwise. */
function notServedSo(model: string, backend: string, { key, what, asked, declared }: ServerSetting): Problem {
  return {
    severity: 'error',
    code: 'server-shared',
    summary: `${model} asks for ${what}, and backends.${backend}.server says ${declared}, which is for all models on it.`,
    fix: `Set backends.${backend}.server.${key} to ${asked}, or ask for ${declared}.`,
  };
}

/** Of what a server fixes at its start: an error if it is known to be otherwise, a warning if nobody said how it is. */
function serverProblem(model: string, backend: string, setting: ServerSetting): CheckProblem {
  const { asked, declared, key, variable, what } = setting;
  const known = declared === null ? 'and it does not tell whether it was started so' : `and backends.${backend}.server says ${declared}`;
  return {
    severity: declared === null ? 'warning' : 'error',
    code: 'needs-server-restart',
    field: key === 'parallel' || key === 'kvCache' ? key : `offload.${key}`,
    summary: `${model} asks for ${what}, which is one for a whole Ollama server, ${known}.`,
    expected: `${variable}=${asked}`,
    fix: `Restart the server with ${variable}=${asked} in its environment, and write backends.${backend}.server.${key}: ${asked}.`,
  };
}

function alone({ name, parallel }: ModelSpec, { gguf }: Artifact): Problem | null {
  if (parallel === 1 || !ONE_AT_A_TIME.test(gguf?.architecture ?? '')) return null;
  return {
    severity: 'warning',
    code: 'engine-cannot',
    summary: `${name} asks for ${parallel} requests at once; Ollama gives models of architecture ${gguf?.architecture} one, and does not say so.`,
    fix: `Set models.${name}.parallel to 1.`,
  };
}

/**
 * `V cache type q8_0 with block size 32 does not divide n_embd_head_v=72`: the type is one for all models, and some cannot
 * have it.
 */
function headSize({ name, kvCache }: ModelSpec, { gguf }: Artifact, declared: string | number | null): Problem | null {
  const type = String(declared ?? kvCache ?? 'f16');
  const sizes = [gguf?.keyLength ?? null, gguf?.valueLength ?? null].filter((size) => size !== null);
  const bad = /^(q\d|iq)/.test(type) ? sizes.find((size) => size % 32 !== 0) : undefined;
  if (bad === undefined) return null;
  return {
    severity: 'error',
    code: 'engine-cannot',
    summary: `${name} cannot run with a KV cache of type ${type}: its heads have ${bad} elements, and such a cache has blocks of 32.`,
    fix: 'Restart the server with OLLAMA_KV_CACHE_TYPE=f16, or run this model on another one.',
  };
}
