import type { ModelSpec, Source } from '../domain/desired.ts';
import { ProblemError } from '../domain/problem.ts';
import { isMix, labelIn, matchOf } from '../domain/quantization.ts';
import type { LockedModel, Origin } from '../domain/weights.ts';
import { netOf } from './context.ts';
import type { Net, ResolveContext } from './context.ts';
import { describe } from './describe.ts';
import { garbled, shown } from './failures.ts';
import { lockedModel, sha256 } from './locked.ts';
import { readManifest, unusable } from './manifest.ts';
import type { Layer, Manifest } from './manifest.ts';
import { plainRegistryProblem, registryProblem } from './registry-errors.ts';
import { openRemote } from './remote-bytes.ts';
import { registryOf, requestFor } from './request.ts';
import { RegistryLogin } from './login.ts';
import { jsonOf } from './answer.ts';
import type { Answer } from './answer.ts';
import { askSmall } from './small.ts';

type OllamaSource = Extract<Source, { kind: 'ollama' }>;

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const MOST_MANIFEST_BYTES = 4 * 1024 * 1024;
const MOST_BLOB_BYTES = 1024 * 1024;

/** One model of one registry, to be asked about. */
interface Registry {
  readonly source: OllamaSource;
  /** What all addresses begin with. */
  readonly base: string;
  /** Host, namespace, model and tag, for people. */
  readonly name: string;
  readonly net: Net;
  /** Held over all that is asked. */
  readonly login: RegistryLogin;
}

/** A source in an Ollama registry: the digest of its manifest as it was served, its weights, and what they are. */
export async function resolveOllama(source: OllamaSource, model: ModelSpec, context: ResolveContext): Promise<LockedModel> {
  const base = registryOf(source, context.insecureRegistries);
  const net = netOf(context);
  const login = new RegistryLogin({ host: source.host, base, env: context.env, limits: net.limits });
  const registry: Registry = { source, base, name: `${source.host}/${source.name}:${source.tag}`, net, login };
  try {
    return await resolveAt(registry, model, context);
  } catch (error) {
    throw plainRegistryProblem(error, source.host);
  }
}

async function resolveAt(registry: Registry, model: ModelSpec, context: ResolveContext): Promise<LockedModel> {
  const { source, name, net, login } = registry;
  const { manifest, digest } = await fetchManifest(registry);
  const fileType = await quantizationIn(registry, manifest);
  const origin: Extract<Origin, { kind: 'ollama' }> = { kind: 'ollama', host: source.host, name: source.name, tag: source.tag };
  const file = { path: `${source.name.split('/')[1]}-${source.tag}.gguf`, bytes: manifest.weights.bytes, sha256: manifest.weights.sha256 };
  const request = { ...requestFor(origin, file, context.env, context.insecureRegistries), login };
  const expected = { bytes: file.bytes, refusal: (answer: Answer) => registryProblem(answer, name, login) };
  const description = await describe([{ name, open: async (first) => (await openRemote(request, { ...expected, first }, net))! }]);
  if (description.facts === null) throw unusable(name, 'has weights that are no GGUF file');
  const license = await licenseOf(registry, manifest.licenses);
  const found = {
    revision: source.tag,
    label: mixIn(source.tag, model.quantizations),
    fileType,
    origin: login.wasNeeded ? { ...origin, access: 'login' as const } : origin,
    manifest: digest,
    files: [file],
    beside: manifest.beside,
    license,
  };
  return lockedModel(model, found, { ...description, chatTemplate: manifest.template?.sha256 ?? description.chatTemplate });
}

/** The digest is made from the bytes as they came: that is what Ollama calls the model's digest after a pull. */
async function fetchManifest({
  source,
  base,
  name,
  net,
  login,
}: Registry): Promise<{ readonly manifest: Manifest; readonly digest: string }> {
  const answer = await askSmall(`${base}/manifests/${source.tag}`, { accept: MANIFEST }, MOST_MANIFEST_BYTES, net, login);
  if (answer.status !== 200) throw registryProblem(answer, name, login);
  const digest = sha256(answer.bytes);
  const told = answer.headers['docker-content-digest'];
  if (told !== undefined && told !== `sha256:${digest}`) {
    throw new ProblemError({
      code: 'manifest-mismatch',
      summary: `The manifest of ${name} is not the one that the registry says it is: something changed it on its way. Nothing was changed.`,
      expected: String(told),
      fix: 'Look for a proxy between here and the registry, and run the same command again.',
    });
  }
  return { manifest: readManifest(jsonOf(answer), name), digest };
}

/** A publisher's mix is told by the tag alone, and registries that do not know it call it what it was made from: both are right. */
export function mixIn(tag: string, wanted: readonly string[]): string | null {
  const label = labelIn(tag);
  const suits = label !== null && isMix(label) && (wanted.length === 0 || wanted.some((name) => matchOf(label, name) !== null));
  return suits ? label : null;
}

/** `file_type` of the configuration: Q4_K_M; null: it does not tell, and the weights' header may. */
async function quantizationIn(registry: Registry, { config }: Manifest): Promise<string | null> {
  if (config === null) return null;
  return quantizationOfConfig(jsonOf(await fetchBlob(registry, config)), registry.name);
}

/** What the configuration of a model tells of its quantization; null: nothing. Throws `manifest-unusable` for other weights than GGUF. */
export function quantizationOfConfig(config: object, name: string): string | null {
  const { model_format: format, file_type: type } = config as { readonly model_format?: unknown; readonly file_type?: unknown };
  if (typeof format === 'string' && format !== '' && format !== 'gguf')
    throw unusable(name, `has weights in the form ${JSON.stringify(format.slice(0, 40))}, not as GGUF`);
  return typeof type === 'string' && /^[\w-]+$/.test(type) && type.toLowerCase() !== 'unknown' ? type.toUpperCase() : null;
}

/** Licenses are whole texts there; their first lines are their names. */
async function licenseOf(registry: Registry, licenses: readonly Layer[]): Promise<string | null> {
  const texts: Buffer[] = [];
  for (const layer of licenses.filter(({ bytes }) => bytes <= MOST_BLOB_BYTES)) texts.push((await fetchBlob(registry, layer)).bytes);
  return licenseTitles(texts);
}

/** The names of licenses, from their whole texts; null: there are none. */
export function licenseTitles(texts: readonly Buffer[]): string | null {
  const titles = texts.map((text) => titleOf(text.toString('utf8'))).filter((title) => title !== '');
  return titles.length === 0 ? null : titles.join('; ');
}

function titleOf(text: string): string {
  const [line = ''] = text.trim().split(/[\r\n]/);
  return line
    .replace(/[\s\x00-\x1f\x7f]+/g, ' ')
    .trim()
    .slice(0, 80);
}

/** A small blob, whole and checked. Throws a ProblemError. */
async function fetchBlob({ base, name, net, login }: Registry, layer: Layer): Promise<Answer> {
  const answer = await askSmall(`${base}/blobs/sha256:${layer.sha256}`, {}, MOST_BLOB_BYTES, net, login);
  if (answer.status !== 200) throw registryProblem(answer, name, login);
  if (sha256(answer.bytes) === layer.sha256) return answer;
  throw garbled(answer.url, `gives other bytes than ${shown(base)} says`);
}
