import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/** A running registry of a test. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Pushes a model as Ollama does, blobs first, and gives the manifest's digest in hex as the registry tells it. */
  push(name: string, tag: string, model: PushedModel): Promise<string>;
  stop(): Promise<void>;
}

/** What is pushed: layers by the last word of their media types, and the configuration. */
export interface PushedModel {
  readonly layers: readonly (readonly [kind: string, bytes: Buffer])[];
  readonly config: Readonly<Record<string, unknown>>;
}

/** Path of the real program. Without it the tests here prove nothing, so they fail. */
function findProgram(): string {
  const path = process.env['LLMOPS_REGISTRY'] ?? '';
  if (existsSync(path)) return path;
  throw new Error('There is no docker-registry: set LLMOPS_REGISTRY to its path, or run `npm run test:engines`, which installs one.');
}

/** The one user of a registry with a login. */
export const LOGIN = { user: 'ada', password: 'canary-7f3a9c' };
/** Her password as bcrypt keeps it, which is the only way that docker-registry reads. */
const HTPASSWD = 'ada:$2b$05$t9H3dTPmKQWYaQ9nAC7rkuXRrQBPDQcCZYlvaa5shRRqey2YR9.9C\n';
const BASIC = { authorization: `Basic ${Buffer.from(`${LOGIN.user}:${LOGIN.password}`).toString('base64')}` };

/** Starts Debian's docker-registry on a free port; `login`: it lets in {@link LOGIN} alone; `headers`: of every answer. */
export async function startDockerRegistry({
  login = false,
  headers = {},
}: { login?: boolean; headers?: Readonly<Record<string, readonly string[]>> } = {}): Promise<DockerRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'llmops-registry-'));
  const auth = login ? { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } } : {};
  if (login) writeFileSync(join(folder, 'htpasswd'), HTPASSWD);
  const storage = { filesystem: { rootdirectory: folder }, delete: { enabled: true } };
  const config = { version: 0.1, storage, http: { addr: '127.0.0.1:0', headers }, ...auth };
  writeFileSync(join(folder, 'registry.yml'), JSON.stringify(config));
  const program = spawn(findProgram(), ['serve', join(folder, 'registry.yml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { OTEL_TRACES_EXPORTER: 'none' },
  });
  const ended = once(program, 'exit');
  const host = await new Promise<string>((done, fail) => {
    void ended.then(() => fail(new Error('docker-registry ended at once')));
    createInterface(program.stderr).on('line', (line) => {
      const [, address] = /listening on (127\.0\.0\.1:\d+)/.exec(line) ?? [];
      if (address !== undefined) done(address);
    });
  });
  return {
    host,
    push: (name, tag, model) => push(`http://${host}/v2/${name}`, tag, model, login ? BASIC : {}),
    async stop() {
      program.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Headers = Readonly<Record<string, string>>;

async function push(base: string, tag: string, { layers, config }: PushedModel, login: Headers): Promise<string> {
  const settings = Buffer.from(JSON.stringify(config));
  for (const bytes of [settings, ...layers.map(([, layer]) => layer)]) await pushBlob(base, bytes, login);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: layerOf('application/vnd.docker.container.image.v1+json', settings),
    layers: layers.map(([kind, bytes]) => layerOf(`application/vnd.ollama.image.${kind}`, bytes)),
  });
  const pushed = await fetch(`${base}/manifests/${tag}`, {
    method: 'PUT',
    headers: { ...login, 'content-type': MANIFEST },
    body: manifest,
  });
  if (pushed.status !== 201) throw new Error(`manifest: ${pushed.status} ${await pushed.text()}`);
  return pushed.headers.get('docker-content-digest')?.replace('sha256:', '') ?? '';
}

async function pushBlob(base: string, bytes: Buffer, login: Headers): Promise<void> {
  const begun = await fetch(`${base}/blobs/uploads/`, { method: 'POST', headers: login });
  const place = new URL(begun.headers.get('location') ?? '', base);
  place.searchParams.set('digest', `sha256:${sha256(bytes)}`);
  const headers = { ...login, 'content-type': 'application/octet-stream' };
  const done = await fetch(place, { method: 'PUT', headers, body: new Uint8Array(bytes) });
  if (done.status !== 201) throw new Error(`blob: ${done.status} ${await done.text()}`);
}

function layerOf(mediaType: string, bytes: Buffer) {
  return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
}

/** SHA-256, hex. */
export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
