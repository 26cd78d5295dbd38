import type { ModelSpec } from '../domain/desired.ts';
import { ProblemError } from '../domain/problem.ts';
import type { LockedModel } from '../domain/weights.ts';
import { netOf } from './context.ts';
import type { Net, ResolveContext } from './context.ts';
import { describe } from './describe.ts';
import { garbled, shown } from './failures.ts';
import { sha256 } from './locked.ts';
import { readManifest } from './manifest.ts';
import type { Layer, Manifest } from './manifest.ts';
import { plainRegistryProblem, registryProblem } from './registry-errors.ts';
import { openRemote } from './remote-bytes.ts';
import { registryOf, requestFor } from './request.ts';
import { RegistryLogin } from './login.ts';
import { fileOf, licenseTitles, lockedTag, originOf, quantizationOfConfig, type OllamaSource } from './tag.ts';
import { jsonOf } from './answer.ts';
import type { Answer } from './answer.ts';
import { askSmall } from './small.ts';

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
  const origin = originOf(source);
  const file = fileOf(source, manifest);
  const request = { ...requestFor(origin, file, context.env, context.insecureRegistries), login };
  const expected = { bytes: file.bytes, refusal: (answer: Answer) => registryProblem(answer, name, login) };
  const description = await describe([{ name, open: async (first) => (await openRemote(request, { ...expected, first }, net))! }]);
  const license = await licenseOf(registry, manifest.licenses);
  const access = login.wasNeeded ? { access: 'login' as const } : {};
  return lockedTag(model, { source, manifest, digest, fileType, license, description, origin: { ...origin, ...access } });
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

/** `file_type` of the configuration: Q4_K_M; null: it does not tell, and the weights' header may. */
async function quantizationIn(registry: Registry, { config }: Manifest): Promise<string | null> {
  if (config === null) return null;
  return quantizationOfConfig(jsonOf(await fetchBlob(registry, config)), registry.name);
}

/** Licenses are whole texts there; their first lines are their names. */
async function licenseOf(registry: Registry, licenses: readonly Layer[]): Promise<string | null> {
  const texts: Buffer[] = [];
  for (const layer of licenses.filter(({ bytes }) => bytes <= MOST_BLOB_BYTES)) texts.push((await fetchBlob(registry, layer)).bytes);
  return licenseTitles(texts);
}

/** A small blob, whole and checked. Throws a ProblemError. */
async function fetchBlob({ base, name, net, login }: Registry, layer: Layer): Promise<Answer> {
  const answer = await askSmall(`${base}/blobs/sha256:${layer.sha256}`, {}, MOST_BLOB_BYTES, net, login);
  if (answer.status !== 200) throw registryProblem(answer, name, login);
  if (sha256(answer.bytes) === layer.sha256) return answer;
  throw garbled(answer.url, `gives other bytes than ${shown(base)} says`);
}
