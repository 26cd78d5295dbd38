import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendFile, sendJson, serve } from './server.ts';
import type { Handler, Server } from './server.ts';

/** A repository of the fake Hub. */
export interface FakeRepo {
  /** Commits, oldest first, by their 40 hex digits: files by path. */
  readonly commits: Readonly<Record<string, Readonly<Record<string, Buffer>>>>;
  /** Branches and tags. */
  readonly refs: Readonly<Record<string, string>>;
  /** Files that git keeps itself, so that the listing knows no SHA-256 of them. Else GGUF and safetensors are large files. */
  readonly inGit?: readonly string[];
  readonly card?: Readonly<Record<string, unknown>>;
  readonly tags?: readonly string[];
  /** Listed for everyone; its files are for `members` only. */
  readonly gated?: boolean;
  /** For `members` only, and nobody else learns that it exists. */
  readonly private?: boolean;
}

/** What a test sets up. */
export interface FakeHubOptions {
  readonly repos: Readonly<Record<string, FakeRepo>>;
  /** Tokens that are valid. */
  readonly tokens?: readonly string[];
  /** Tokens of accounts that may see gated and private repositories. */
  readonly members?: readonly string[];
  /** Files on one page of a tree. */
  readonly pageSize?: number;
  /** As mirrors do that do not know `blobs=true`: names and nothing else. */
  readonly namesOnly?: boolean;
  /** Called first; true: it has answered. */
  readonly meanwhile?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A Hub, and the other host that large files come from. */
export interface FakeHub extends Server {
  readonly cdn: Server;
}

/**
 * The Hub as far as llmops speaks with it, after the documentation of its API and what huggingface_hub expects of it:
 *
 * - `GET /api/models/{repo}[/revision/{rev}]?blobs=true`: `sha`, `siblings` with `rfilename`, `size`, `blobId` and, for
 *   large files, `lfs.sha256` and `lfs.size`; `cardData`, `tags`, `gated`. A revision is a branch, a tag, a commit or the
 *   first seven or more digits of one, encoded as one part of the path.
 * - `GET /api/models/{repo}/tree/{rev}?recursive=true`: files and folders in pages, the next one in `Link`.
 * - `GET /{repo}/resolve/{rev}/{path}`: small files at once; large ones by a redirect to another host with a signature.
 *   That host answers 400 where it is sent an `Authorization`, as S3 does.
 * - Errors have `X-Error-Code` and `X-Error-Message`. Without a token, 401 `RepoNotFound` for what is private or missing;
 *   with one, 404. A token that is not valid: 401 and "Invalid credentials in Authorization header", for everything. Files
 *   of a gated repository: 401 without a token, 403 with one, both `GatedRepo`.
 */
export async function startHub(options: FakeHubOptions): Promise<FakeHub> {
  const cdn = await serve((request, response) => {
    const [, digest] = /^\/xet\/([0-9a-f]{64})\?Signature=s3cret$/.exec(request.url ?? '') ?? [];
    const bytes = digest === undefined ? undefined : largeFiles(options).get(digest);
    if (request.headers.authorization !== undefined) return response.writeHead(400).end('Only one auth mechanism allowed');
    if (bytes === undefined) return response.writeHead(403).end('AccessDenied');
    return sendFile(request, response, bytes);
  });
  const hub = await serve((request, response) => {
    if (options.meanwhile?.(request, response)) return;
    const url = new URL(request.url ?? '', 'http://hub');
    const [, kind, repo = '', verb = '', revision = 'main', path = ''] =
      /^\/(api\/models\/)?([\w.-]+\/[\w.-]+)(?:\/(revision|tree|resolve)\/([^/]+)(?:\/(.+))?)?$/.exec(url.pathname) ?? [];
    const asked = { repo, revision: decodeURIComponent(revision), path: decodeURIComponent(path) };
    const found = admit(options, request, response, asked, verb === 'resolve');
    if (found === null) return;
    if (verb === 'resolve') sendResolved(found, asked.path, cdn, request, response);
    else if (kind && verb === 'tree') sendTree(found, options, url, response);
    else sendInfo(found, options, asked.repo, response);
  });
  return { ...hub, cdn };
}

interface Found {
  readonly repo: FakeRepo;
  readonly commit: string;
  readonly files: Readonly<Record<string, Buffer>>;
}

function fail(response: ServerResponse, status: number, code: string | null, message: string): null {
  sendJson(response, status, { error: message }, { ...(code !== null && { 'x-error-code': code }), 'x-error-message': message });
  return null;
}

/** The repository and commit that are meant, or null: the answer is no. */
function admit(
  { repos, tokens = [], members = [] }: FakeHubOptions,
  request: IncomingMessage,
  response: ServerResponse,
  asked: { readonly repo: string; readonly revision: string },
  forFile: boolean,
): Found | null {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token !== undefined && ![...tokens, ...members].includes(token))
    return fail(response, 401, null, 'Invalid credentials in Authorization header');
  const isMember = token !== undefined && members.includes(token);
  const repo = repos[asked.repo];
  if (repo === undefined || (repo.private && !isMember))
    return fail(
      response,
      token === undefined ? 401 : 404,
      'RepoNotFound',
      token === undefined ? 'Invalid username or password.' : 'Repository not found',
    );
  if (forFile && repo.gated && !isMember)
    return fail(response, token === undefined ? 401 : 403, 'GatedRepo', `Access to model ${asked.repo} is restricted.`);
  const short = Object.keys(repo.commits).find((commit) => /^[0-9a-f]{7,}$/.test(asked.revision) && commit.startsWith(asked.revision));
  const commit = repo.refs[asked.revision] ?? short;
  const files = commit === undefined ? undefined : repo.commits[commit];
  return commit === undefined || files === undefined
    ? fail(response, 404, 'RevisionNotFound', `Invalid rev id: ${asked.revision}`)
    : { repo, commit, files };
}

function isLarge(repo: FakeRepo, path: string): boolean {
  return /\.(gguf|safetensors)$/i.test(path) && !repo.inGit?.includes(path);
}

function largeFiles({ repos }: FakeHubOptions): ReadonlyMap<string, Buffer> {
  const commits = Object.values(repos).flatMap(({ commits: all }) => Object.values(all));
  return new Map(commits.flatMap((files) => Object.values(files)).map((bytes) => [sha256(bytes), bytes]));
}

function sendInfo({ repo, commit, files }: Found, { namesOnly = false }: FakeHubOptions, id: string, response: ServerResponse): void {
  const siblings = Object.entries(files).map(([rfilename, bytes]) => {
    if (namesOnly) return { rfilename };
    const lfs = { sha256: sha256(bytes), size: bytes.length, pointerSize: 135 };
    return { rfilename, blobId: gitId(bytes), size: bytes.length, ...(isLarge(repo, rfilename) && { lfs }) };
  });
  const { card = {}, tags = [], gated = false, private: isPrivate = false } = repo;
  sendJson(response, 200, {
    _id: '0',
    id,
    modelId: id,
    sha: commit,
    private: isPrivate,
    gated: gated ? 'manual' : false,
    tags,
    cardData: card,
    siblings,
  });
}

function sendTree({ repo, commit, files }: Found, { pageSize = 1000 }: FakeHubOptions, url: URL, response: ServerResponse): void {
  const folders = new Set(Object.keys(files).flatMap((path) => (path.includes('/') ? [path.slice(0, path.lastIndexOf('/'))] : [])));
  const entries = [
    ...[...folders].map((path) => ({ type: 'directory', oid: gitId(Buffer.from(path)), size: 0, path })),
    ...Object.entries(files).map(([path, bytes]) => {
      const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: 135 };
      return { type: 'file', oid: gitId(bytes), size: bytes.length, path, ...(isLarge(repo, path) && { lfs }) };
    }),
  ];
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const next = from + pageSize < entries.length ? from + pageSize : null;
  // The real Hub names itself, also behind a mirror.
  const link = `<https://huggingface.co${url.pathname}?recursive=true&cursor=${next}>; rel="next"`;
  sendJson(response, 200, entries.slice(from, from + pageSize), { 'x-commit': commit, ...(next !== null && { link }) });
}

function sendResolved({ repo, commit, files }: Found, path: string, cdn: Server, request: IncomingMessage, response: ServerResponse): void {
  const bytes = files[path];
  if (bytes === undefined) {
    fail(response, 404, 'EntryNotFound', 'Entry not found');
    return;
  }
  if (!isLarge(repo, path)) return sendFile(request, response, bytes, { 'x-repo-commit': commit, etag: `"${gitId(bytes)}"` });
  const linked = { 'x-repo-commit': commit, 'x-linked-size': bytes.length, 'x-linked-etag': `"${sha256(bytes)}"` };
  response.writeHead(302, { ...linked, location: `${cdn.origin}/xet/${sha256(bytes)}?Signature=s3cret` }).end();
}

/** A handler that answers some requests, and lets the Hub answer the others. */
export function only(path: RegExp, handler: Handler): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const isMeant = path.test(request.url ?? '');
    if (isMeant) handler(request, response);
    return isMeant;
  };
}

/** SHA-256, hex. */
export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What git calls a file: SHA-1 over a header and its bytes. */
function gitId(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
