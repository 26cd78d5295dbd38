import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../../domain/desired.ts';
import { parseDerived } from '../names.ts';
import { Registry } from './registry.ts';
import { create, embed, generate, ps, pull, show, tags, type Asked, type Insides } from './routes.ts';
import { Refusal, Runners, type Machine } from './runners.ts';
import { Store } from './store.ts';
import { sha256 } from './weights.ts';

/** What an Ollama may do wrong, beyond its machine and its registries. */
export interface Faults {
  /** Nobody is answered until it is over. */
  hold: Promise<void> | null;
  /** Everything is answered with this page and status 200, as a login page in front of it does. */
  page: string | null;
  /** So many requests for text are refused: the queue is full. */
  busy: number;
  /** What `/api/ps` says instead. */
  lie: ((answer: JsonObject) => JsonObject) | null;
  /** Streams end after so many lines. */
  cutStreamsAfter: number | null;
  /** So many lists of models lack all of them, as one can that is made while another model is removed. */
  emptyLists: number;
}

/** An Ollama server in this process: README.md says what it does. State is its own; a port of its own. */
export class FakeOllama implements Insides {
  readonly store = new Store();
  readonly registry = new Registry();
  readonly machine: Machine = { gpuLayers: 0, contextLength: 0, holdLoad: null, failLoad: null, maxLoaded: 3 };
  readonly runners = new Runners(this.machine);
  readonly faults: Faults = { hold: null, page: null, busy: 0, lie: null, cutStreamsAfter: null, emptyLists: 0 };
  /** Method and path of every request, in their order. */
  readonly requests: string[] = [];
  /** Clients that went away before they were answered. */
  left = 0;
  version = '0.34.4';
  holdAnswer: Promise<void> | null = null;
  silentPulls = 0;
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  static async start(port = 0): Promise<FakeOllama> {
    const fake = new FakeOllama();
    await new Promise<void>((listens) => fake.#server.listen(port, '127.0.0.1', listens));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Models that llmops made for copies. */
  copies(): readonly string[] {
    return this.names().filter((name) => parseDerived(name) !== null);
  }

  names(): readonly string[] {
    return this.store.models().map(({ name }) => name);
  }

  async end(): Promise<void> {
    this.runners.end();
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    this.requests.push(`${request.method} ${path}`);
    let isOver = false;
    response.on('close', () => {
      isOver = true;
      if (!response.writableFinished) this.left += 1;
    });
    response.on('error', () => (isOver = true));
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
      await this.faults.hold;
      if (this.faults.page !== null) return void response.writeHead(200, { 'content-type': 'text/html' }).end(this.faults.page);
      if (!/^(127\.|localhost|\[::1\])/.test(request.headers.host ?? '')) return void response.writeHead(403).end();
      await this.#route(request.method ?? '', path, Buffer.concat(chunks), response, () => isOver && !response.writableFinished);
    } catch (error) {
      if (error instanceof CutOff) return void response.destroy();
      this.#refuse(response, error);
    }
  }

  /** Once a line was sent the status is 200: what goes wrong then is a line, too. */
  #refuse(response: ServerResponse, error: unknown): void {
    const text = JSON.stringify({ error: error instanceof Error ? error.message : String(error) });
    if (response.headersSent) response.end(`${text}\n`);
    else response.writeHead(error instanceof Refusal ? error.status : 500, { 'content-type': 'application/json' }).end(text);
  }

  async #route(method: string, path: string, bytes: Buffer, response: ServerResponse, isGone: () => boolean): Promise<void> {
    const json = (value: JsonObject) => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const [, blob] = /^\/api\/blobs\/(sha256:[0-9a-f]{64})$/.exec(path) ?? [];
    if (blob !== undefined) return this.#blob(method, blob, bytes, response);
    const asked: Asked = { body: bodyOf(bytes), isGone, say: this.#saying(response) };
    switch (`${method} ${path}`) {
      case 'GET /':
        return void response.end('Ollama is running');
      case 'GET /api/version':
        return json({ version: this.version });
      case 'GET /api/tags':
        if (this.faults.emptyLists > 0) {
          this.faults.emptyLists -= 1;
          return json({ models: [] });
        }
        return json(tags(this));
      case 'GET /api/ps':
        return json(this.faults.lie?.(ps(this)) ?? ps(this));
      case 'POST /api/show':
        return json(show(this, asked.body));
      case 'POST /api/copy':
        return this.#done(this.store.copy(String(asked.body['source']), String(asked.body['destination'])), asked.body['source'], response);
      case 'DELETE /api/delete':
        return this.#done(this.store.remove(String(asked.body['model'])), asked.body['model'], response);
      case 'POST /api/create':
        await create(this, asked);
        return void response.end();
      case 'POST /api/pull':
        await pull(this, asked);
        return void response.end();
      case 'POST /api/embed':
        return json(await embed(this, asked));
      case 'POST /api/generate':
        return json(await this.#unlessBusy(() => generate(this, asked)));
      case 'POST /v1/chat/completions': {
        const { model, response: content } = await this.#unlessBusy(() => generate(this, { ...asked, body: withoutOptions(asked.body) }));
        return json({ model: model ?? '', choices: [{ message: { role: 'assistant', content: content ?? '' } }] });
      }
      default:
        return void response.writeHead(404).end('404 page not found');
    }
  }

  async #unlessBusy(work: () => Promise<JsonObject>): Promise<JsonObject> {
    if (this.faults.busy > 0) {
      this.faults.busy -= 1;
      throw new Refusal(503, 'server busy, please try again.  maximum pending requests exceeded');
    }
    return work();
  }

  #done(was: boolean, name: unknown, response: ServerResponse): void {
    if (!was) throw new Refusal(404, `model '${String(name)}' not found`);
    response.end();
  }

  #blob(method: string, digest: string, bytes: Buffer, response: ServerResponse): void {
    const known = this.store.blobs.has(digest);
    if (method === 'HEAD') return void response.writeHead(known ? 200 : 404).end();
    const got = `sha256:${sha256(bytes)}`;
    if (!known && got !== digest) throw new Refusal(400, `digest mismatch, expected "${digest}", got "${got}"`);
    this.store.blobs.set(digest, known ? (this.store.blobs.get(digest) as Buffer) : bytes);
    response.writeHead(known ? 200 : 201).end();
  }

  #saying(response: ServerResponse): Asked['say'] {
    let lines = 0;
    return async (line) => {
      if (lines === this.faults.cutStreamsAfter) throw new CutOff();
      lines += 1;
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      await new Promise<void>((sent) => response.write(`${JSON.stringify(line)}\n`, () => sent()));
    };
  }
}

class CutOff extends Error {}

/** The OpenAI dialect cannot say how long a model stays, or with what context it is loaded. */
function withoutOptions({ model, messages }: JsonObject): JsonObject {
  return { model: model ?? '', messages: messages ?? [] };
}

function bodyOf(bytes: Buffer): JsonObject {
  try {
    return JSON.parse(bytes.toString()) as JsonObject;
  } catch {
    return {};
  }
}
