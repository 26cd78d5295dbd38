import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A small server that answers by path, and remembers what it was asked. */
export interface FakeServer {
  readonly url: string;
  /** `GET /api/tags`, in the order in which they came. */
  readonly asked: readonly string[];
  /** Most requests that were open at once. */
  readonly mostAtOnce: () => number;
  /** Values of the header `authorization`. */
  readonly keys: ReadonlySet<string | undefined>;
  readonly close: () => Promise<void>;
}

/** Answers: JSON, or a status with a text. A function gets the request's body. */
export type Routes = Readonly<Record<string, unknown>>;

/** Starts it on a free port of loopback. Unknown paths are 404. */
export async function serve(routes: Routes): Promise<FakeServer> {
  const asked: string[] = [];
  const keys = new Set<string | undefined>();
  let [open, most] = [0, 0];
  const server = createServer((request, response) => {
    void (async () => {
      asked.push(`${request.method} ${request.url}`);
      keys.add(request.headers.authorization);
      most = Math.max(most, (open += 1));
      const body = await bodyOf(request);
      await new Promise((resolve) => setImmediate(resolve)); // others may come in meanwhile
      open -= 1;
      const route = routes[request.url ?? ''];
      const answer = typeof route === 'function' ? (route as (body: unknown) => unknown)(body === '' ? null : JSON.parse(body)) : route;
      if (answer === undefined) return response.writeHead(404).end('404 page not found');
      if (answer instanceof Answer) return response.writeHead(answer.status, answer.headers).end(answer.text);
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, keys, mostAtOnce: () => most, close };
}

/** An answer that is no JSON, or no 200. */
export class Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, text: string, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.text = text;
    this.headers = headers;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** What an Ollama with so many models of the library answers. `licence`: its length in characters, as most of an answer is. */
export function ollamaRoutes(names: readonly string[], licence = 100): Routes {
  const digest = (name: string): string => Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64);
  return {
    '/api/version': { version: '0.34.4' },
    '/api/tags': {
      models: names.map((name) => ({
        name,
        model: name,
        digest: digest(name),
        details: { quantization_level: 'Q4_K_M', parameter_size: '8.2B' },
      })),
    },
    '/api/ps': { models: names.slice(0, 1).map((name) => ({ name, context_length: 4096 })) },
    '/api/show': (body: { readonly model: string }) => ({
      modelfile: `FROM /nowhere/blobs/sha256-${digest(body.model)}\n`,
      license: 'x'.repeat(licence),
      parameters: 'temperature 0.6',
      details: { parent_model: '' },
    }),
  };
}
