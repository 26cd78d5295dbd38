import type { Net } from './context.ts';
import { garbled } from './failures.ts';
import { hubProblem } from './hub-errors.ts';
import type { Asked } from './hub-errors.ts';
import { jsonOf } from './answer.ts';
import type { Answer } from './answer.ts';
import { askSmall } from './small.ts';

/** One file of a repository. */
export interface ListedFile {
  readonly path: string;
  /** null: the listing does not tell. */
  readonly bytes: number | null;
  /** Hex; null: small files are kept in git itself, which knows another digest. */
  readonly sha256: string | null;
}

/** A repository at a commit. */
export interface Listing {
  readonly commit: string;
  /** Sorted by nothing: as the Hub gives them. */
  readonly files: readonly ListedFile[];
  readonly license: string | null;
}

/** Most files have a line of some 250 bytes. */
const MOST_BYTES = 32 * 1024 * 1024;
/** The list in the model's own record may be cut from here on (huggingface_hub, `VERY_LARGE_REPO_THRESHOLD`). */
const WHOLE_UP_TO = 50_000;
/** Pages have 1,000 files. */
const MOST_PAGES = 200;

type Json = Readonly<Record<string, unknown>>;

/**
 * What a repository holds: `GET /api/models/{repo}/revision/{revision}?blobs=true`, and page by page
 * `/api/models/{repo}/tree/{commit}` where that does not tell all of it, as with very large repositories and some mirrors.
 * Throws a ProblemError: `repository-*`, `revision-not-found`, `hub-token`, `source-*`, `cancelled`.
 */
export async function listRepository(asked: Asked, net: Net): Promise<Listing> {
  const { repo, revision, access } = asked;
  const at = revision === null ? '' : `/revision/${encodeURIComponent(revision)}`;
  const answer = await askHub(`${access.endpoint}/api/models/${repo}${at}?blobs=true`, asked, net);
  const info = jsonOf(answer) as Json;
  const commit = info['sha'];
  if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit)) throw garbled(answer.url, 'does not tell the commit of the repository');
  if (/^[0-9a-f]{40}$/.test(revision ?? '') && revision !== commit) throw garbled(answer.url, `tells of another commit, ${commit}`);
  const siblings = Array.isArray(info['siblings']) ? info['siblings'].map(fromSibling).filter((file) => file !== null) : null;
  const isWhole = siblings !== null && siblings.length < WHOLE_UP_TO && siblings.every(isTold);
  return { commit, files: isWhole ? siblings : await listTree(asked, commit, net), license: licenseIn(info) };
}

/** A mirror that does not know `blobs=true` leaves the sizes out. */
function isTold({ path, bytes }: ListedFile): boolean {
  return bytes !== null || !/\.gguf$/i.test(path);
}

async function listTree(asked: Asked, commit: string, net: Net): Promise<readonly ListedFile[]> {
  const { repo, access } = asked;
  const base = `${access.endpoint}/api/models/${repo}/tree/${commit}`;
  const files: ListedFile[] = [];
  let search: string | null = '?recursive=true';
  for (let page = 0; search !== null; page += 1) {
    const answer = await askHub(`${base}${search}`, asked, net);
    const entries = jsonOf(answer);
    if (!Array.isArray(entries) || page >= MOST_PAGES) throw garbled(answer.url, 'does not answer with a list of files that ends');
    files.push(...entries.map(fromEntry).filter((file) => file !== null));
    search = nextPage(answer);
  }
  return files;
}

/** `Link: <https://…?cursor=…>; rel="next"`. Only the query is used: behind a mirror, the address is often the Hub's own. */
function nextPage({ headers, url }: Answer): string | null {
  const [, next] = /<([^>]+)>;\s*rel="?next"?/i.exec(String(headers['link'] ?? '')) ?? [];
  return next === undefined ? null : (URL.parse(next, url.href)?.search ?? null);
}

async function askHub(url: string, asked: Asked, net: Net): Promise<Answer> {
  const { token } = asked.access;
  const headers = { accept: 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) };
  const answer = await askSmall(url, headers, MOST_BYTES, net);
  if (answer.status !== 200) throw hubProblem(answer, asked);
  return answer;
}

/** `{rfilename, size, blobId, lfs?: {sha256, size}}` */
function fromSibling(value: unknown): ListedFile | null {
  const { rfilename, size, lfs } = (value ?? {}) as Json;
  const large = (lfs ?? {}) as Json;
  return listedFile(rfilename, large['size'] ?? size, large['sha256']);
}

/** `{type: 'file' | 'directory', path, size, oid, lfs?: {oid, size}}` */
function fromEntry(value: unknown): ListedFile | null {
  const { type, path, size, lfs } = (value ?? {}) as Json;
  const large = (lfs ?? {}) as Json;
  return type === 'file' ? listedFile(path, large['size'] ?? size, large['oid']) : null;
}

function listedFile(path: unknown, bytes: unknown, sha256: unknown): ListedFile | null {
  if (typeof path !== 'string' || !isPlainPath(path)) return null;
  const known = typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0;
  const [, hex] = typeof sha256 === 'string' ? (/^(?:sha256:)?([0-9a-f]{64})$/.exec(sha256) ?? []) : [];
  return { path, bytes: known ? bytes : null, sha256: hex ?? null };
}

/** A path of a repository is never a way out of the folder that it is put into, and can be shown to people. */
function isPlainPath(path: string): boolean {
  return !/[\\\x00-\x1f\x7f]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** `cardData.license`, one or several; `other` gives way to the name that the owner gave it. */
function licenseIn(info: Json): string | null {
  const card = (info['cardData'] ?? {}) as Json;
  const { license, license_name: name } = card;
  if (license === 'other' && typeof name === 'string' && name !== '') return clean(name);
  if (typeof license === 'string' && license !== '') return clean(license);
  if (Array.isArray(license)) return clean(license.filter((item) => typeof item === 'string').join(', ')) || null;
  const tags = Array.isArray(info['tags']) ? info['tags'] : [];
  const tag = tags.find((item): item is string => typeof item === 'string' && item.startsWith('license:'));
  return tag === undefined ? null : clean(tag.slice('license:'.length));
}

function clean(text: string): string {
  return text
    .replace(/[\s\x00-\x1f\x7f]+/g, ' ')
    .trim()
    .slice(0, 80);
}
