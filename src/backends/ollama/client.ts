import { createReadStream } from 'node:fs';
import type { JsonObject } from '../../domain/desired.ts';
import { ProblemError } from '../../domain/problem.ts';
import { systemClock } from '../kit/clock.ts';
import { call, callLines, garbled, parseJson, type Answer, type Call } from '../kit/http.ts';
import { explain } from './explain.ts';
import { readRows, readShown, readTags, type Row, type Shown, type Tag } from './shown.ts';

/** One line of a stream of progress. Bytes; null: not told. */
export interface Progress {
  readonly status: string;
  /** Digest of the layer that is fetched, hex; null: none. */
  readonly digest: string | null;
  readonly total: number | null;
  readonly completed: number;
}

/** How a model is asked for. */
export interface Use {
  /** How long it stays in memory afterwards, in milliseconds; null: for ever. */
  readonly keepAlive: number | null;
  /** True: it makes vectors, not text. */
  readonly embeds: boolean;
}

/** A file of weights of this machine. */
export interface BlobFile {
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** A server with hundreds of models on a slow disk reads every manifest for its list. */
const READ_MS = 10_000;
const WRITE_MS = 30_000;
const MOST_BYTES = 32 << 20;
const LOOKS = 4;
const LOOK_MS = 50;

/**
 * One server, in the words of https://docs.ollama.com/api. Every method fails with a ProblemError that explains Ollama's own
 * words.
 */
export class Client {
  /** Without a slash at its end. A server that llmops serves can move. */
  url: string;
  readonly #headers: (signal: AbortSignal) => Promise<Readonly<Record<string, string>>>;

  /** `headers` is asked for before each request. */
  constructor(url: string, headers: (signal: AbortSignal) => Promise<Readonly<Record<string, string>>>) {
    this.url = url;
    this.#headers = headers;
  }

  async version(signal: AbortSignal): Promise<string> {
    const { version } = await this.#json('/api/version', {}, 'Asking for the version', signal);
    if (typeof version !== 'string') throw garbled(`${this.url}/api/version`, 'did not answer with a version');
    return version;
  }

  /** Every model that it has, whole ones only. */
  tags(signal: AbortSignal): Promise<readonly Tag[]> {
    return this.#list('/api/tags', readTags, signal);
  }

  /** Every runner that it has in memory. */
  rows(signal: AbortSignal): Promise<readonly Row[]> {
    return this.#list('/api/ps', readRows, signal);
  }

  /**
   * null: there is no model of that name. A POST that changes nothing. Manifests are written in place (0.34.4): whoever looks
   * while that happens is told `EOF`, and looks again.
   */
  async show(name: string, signal: AbortSignal): Promise<Shown | null> {
    const ask = () => this.#send('/api/show', { method: 'POST', body: { model: name }, maxBytes: MOST_BYTES }, signal);
    const answer = await this.#patiently(ask, signal);
    return answer.status === 404 ? null : readShown(this.#parsed('/api/show', answer, `Looking at ${name}`));
  }

  /** Makes a model; one of that name is overwritten. */
  create(request: JsonObject, signal: AbortSignal): Promise<void> {
    return this.#stream('/api/create', request, `Making ${String(request['model'])}`, () => undefined, signal);
  }

  /** Fetches what a tag stands for now. A layer that comes at once sends no line of its own. */
  pull(name: string, insecure: boolean, onProgress: (line: Progress) => void, signal: AbortSignal): Promise<void> {
    return this.#stream('/api/pull', { model: name, insecure }, `Pulling ${name}`, onProgress, signal);
  }

  /** Gives a model another name: its manifest is copied, nothing else. False: there is no model of the first name. */
  async copy(from: string, to: string, signal: AbortSignal): Promise<boolean> {
    const options: Call = { method: 'POST', body: { source: from, destination: to }, deadlineMs: WRITE_MS };
    const answer = await this.#send('/api/copy', options, signal);
    return this.#acted('/api/copy', answer, `Naming ${from} ${to}`);
  }

  /**
   * Takes a name away, and blobs that no other name uses. One that is gone already is fine. Two at once meet in the folders that are empty
   * then (0.34.4): one of them is told `no such file or directory`, and asks again.
   */
  async remove(name: string, signal: AbortSignal): Promise<void> {
    const ask = () => this.#send('/api/delete', { method: 'DELETE', body: { model: name }, deadlineMs: WRITE_MS }, signal);
    this.#acted('/api/delete', await this.#patiently(ask, signal), `Removing ${name}`);
  }

  async hasBlob(sha256: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#send(`/api/blobs/sha256:${sha256}`, { method: 'HEAD' }, signal)).status === 200;
  }

  /** Hands a file over. It is read once, from its beginning; there is no going on after a cut. */
  async upload({ path, bytes, sha256 }: BlobFile, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    const stream = createReadStream(path, { highWaterMark: 1 << 20 });
    stream.on('data', (chunk) => onBytes(chunk.length));
    stream.pause();
    const options: Call = { method: 'POST', upload: { stream, bytes }, deadlineMs: null };
    const answer = await this.#send(`/api/blobs/sha256:${sha256}`, options, signal);
    if (answer.status !== 200 && answer.status !== 201) throw refused(answer, `Handing over ${path}`);
  }

  /** Brings a model into memory; done when it is there. The server gives up if this client goes away. */
  async load(name: string, use: Use, signal: AbortSignal): Promise<void> {
    if (use.embeds) await this.ask(name, use, signal);
    else await this.#post('/api/generate', { model: name, stream: false, keep_alive: keepAlive(use) }, `Loading ${name}`, signal);
  }

  /** Asks for one token, or one vector. No option of it makes a runner load anew. */
  ask(name: string, use: Use, signal: AbortSignal): Promise<JsonObject> {
    const common = { model: name, keep_alive: keepAlive(use) };
    const doing = `A first request to ${name}`;
    if (use.embeds) return this.#post('/api/embed', { ...common, input: 'Hello' }, doing, signal);
    return this.#post('/api/generate', { ...common, prompt: 'Hello', stream: false, options: { num_predict: 1 } }, doing, signal);
  }

  /** Says that a model may go as soon as its requests are done. Returns at once. */
  async unload(name: string, signal: AbortSignal): Promise<void> {
    await this.#post('/api/generate', { model: name, stream: false, keep_alive: 0 }, `Unloading ${name}`, signal);
  }

  /** For what passes: an answer of status 500 is asked for again, a few times. */
  async #patiently(ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
    let answer = await ask();
    for (let round = 1; answer.status === 500 && round < LOOKS; round += 1) {
      await systemClock.sleep(LOOK_MS, signal);
      answer = await ask();
    }
    return answer;
  }

  async #list<T>(path: string, reader: (answer: unknown) => readonly T[] | null, signal: AbortSignal): Promise<readonly T[]> {
    // A name that is taken away while it is listed fails the whole list (0.34.4).
    const answer = await this.#patiently(() => this.#send(path, { maxBytes: MOST_BYTES }, signal), signal);
    const rows = reader(this.#parsed(path, answer, 'Asking for a list'));
    if (rows === null) throw garbled(`${this.url}${path}`, 'did not answer with a list of models');
    return rows;
  }

  #post(path: string, body: JsonObject, doing: string, signal: AbortSignal): Promise<JsonObject> {
    return this.#json(path, { method: 'POST', body, deadlineMs: null }, doing, signal);
  }

  async #json(path: string, options: Partial<Call>, doing: string, signal: AbortSignal): Promise<JsonObject> {
    return this.#parsed(path, await this.#send(path, options, signal), doing);
  }

  async #send(path: string, options: Partial<Call>, signal: AbortSignal): Promise<Answer> {
    return call(`${this.url}${path}`, { deadlineMs: READ_MS, ...options, signal, headers: await this.#headers(signal) });
  }

  /** What was done is answered with nothing at all; what something else in front of the server answers says something. */
  #acted(path: string, answer: Answer, doing: string): boolean {
    if (answer.status === 404) return false;
    if (answer.status !== 200) throw refused(answer, doing);
    if (answer.text.trim() !== '') throw garbled(`${this.url}${path}`, 'did not answer as Ollama does');
    return true;
  }

  #parsed(path: string, answer: Answer, doing: string): JsonObject {
    if (answer.status !== 200) throw refused(answer, doing);
    const value = parseJson(`${this.url}${path}`, answer.text) as JsonObject;
    if (typeof value['error'] === 'string') throw new ProblemError(explain(value['error'], doing));
    return value;
  }

  async #stream(path: string, body: JsonObject, doing: string, onLine: (line: Progress) => void, signal: AbortSignal): Promise<void> {
    const url = `${this.url}${path}`;
    let last = 'nothing';
    const options: Call = { method: 'POST', body, deadlineMs: null, signal, headers: await this.#headers(signal) };
    const answer = await callLines(url, options, (line) => {
      const said = parseJson(url, line) as JsonObject;
      if (said['error'] !== undefined) throw new ProblemError(explain(String(said['error']), doing, path === '/api/pull' || undefined));
      last = String(said['status']);
      onLine(progressOf(said));
    });
    if (answer.status !== 200) throw refused(answer, doing);
    // The status is 200 long before it is done: only this word says that it is.
    if (last !== 'success') throw garbled(url, `ended after "${last}" without saying that it succeeded`);
  }
}

/** Negative: for ever. */
function keepAlive({ keepAlive: ms }: Use): number | string {
  return ms === null ? -1 : `${ms}ms`;
}

function progressOf(said: JsonObject): Progress {
  const { status, digest, total, completed } = said;
  return {
    status: String(status),
    digest: typeof digest === 'string' ? digest.replace(/^sha256:/, '') : null,
    total: typeof total === 'number' ? total : null,
    completed: typeof completed === 'number' ? completed : 0,
  };
}

function refused({ status, text }: Answer, doing: string): ProblemError {
  if (status === 403 && text.trim() === '') {
    return new ProblemError({
      code: 'engine-refused-request',
      summary: `${doing}: the server answered 403 without a word, as Ollama does to a host name that is not its own.`,
      fix: 'Name the server by its address, or set OLLAMA_HOST or OLLAMA_ORIGINS there.',
    });
  }
  return new ProblemError(explain(errorIn(text) ?? `status ${status}: ${text}`, doing));
}

function errorIn(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return error === undefined ? null : typeof error === 'string' ? error : JSON.stringify(error);
  } catch {
    return null;
  }
}
