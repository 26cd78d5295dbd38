import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { FakeEngine } from './engine.ts';

type Json = Readonly<Record<string, unknown>>;
type Route = (engine: FakeEngine, body: Json, response: ServerResponse) => void | Promise<void>;

/** The HTTP side of the fake: the routes of llama-server 0.7.0 that llmops and its clients use. */
export function createFakeServer(engine: FakeEngine, log: (line: string) => void): Server {
  return createServer((request, response) => {
    if (engine.hangs) return;
    if (engine.faults.html) return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>It works!</body></html>');
    const path = (request.url ?? '/').split('?')[0] as string;
    allowOrigin(request, response);
    const canned = engine.faults.answers?.[path];
    if (canned !== undefined) return send(response, 200, canned);
    const key = process.env['LLAMA_API_KEY'];
    if (key !== undefined && path !== '/health' && request.headers.authorization !== `Bearer ${key}`) {
      return send(response, 401, { error: { message: 'Invalid API Key', type: 'authentication_error', code: 401 } });
    }
    if (engine.weights === null) return send(response, 503, { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } });
    const route = ROUTES[`${request.method} ${path}`];
    if (!route) return send(response, 404, { error: { message: 'File Not Found', type: 'not_found_error', code: 404 } });
    if (engine.isSleeping && !/^\/(health|props|v1\/models|metrics)$/.test(path)) {
      engine.isSleeping = false;
      log('I srv  server_queue: woken');
    }
    void readBody(request).then((body) => route(engine, body, response));
  });
}

/** Reflects any origin, unless it was told `localhost`. */
function allowOrigin(request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  if (origin === undefined) return;
  const isLocal = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
  if (process.env['LLAMA_ARG_CORS_ORIGINS'] !== 'localhost' || isLocal) response.setHeader('access-control-allow-origin', origin);
}

const ROUTES: Readonly<Record<string, Route>> = {
  'GET /health': (engine, _, response) => {
    if (engine.faults.sleeps && engine.completions > 0) engine.isSleeping = true;
    send(response, 200, { status: 'ok' });
  },
  'GET /props': (engine, _, response) => send(response, 200, propsOf(engine)),
  'GET /slots': (engine, _, response) =>
    engine.settings.slots ? send(response, 200, slotsOf(engine)) : send(response, 501, { error: { code: 501 } }),
  'GET /v1/models': (engine, _, response) => send(response, 200, modelsOf(engine)),
  'GET /metrics': (engine, _, response) =>
    send(
      response,
      engine.settings.metrics ? 200 : 501,
      `llamacpp:requests_processing ${engine.inFlight}\nllamacpp:requests_deferred ${engine.deferred}\n`,
    ),
  'POST /completion': (engine, body, response) => complete(engine, body, response, (text, stop) => ({ index: 0, content: text, stop })),
  'POST /v1/completions': (engine, body, response) =>
    complete(engine, body, response, (text, stop) => ({
      object: 'text_completion',
      model: nameOf(engine),
      choices: [{ index: 0, text, finish_reason: stop ? 'length' : null }],
    })),
  'POST /v1/chat/completions': (engine, body, response) =>
    complete(engine, body, response, (text, stop) => ({
      object: 'chat.completion',
      model: nameOf(engine),
      choices: [
        {
          index: 0,
          [body['stream'] === true ? 'delta' : 'message']: { role: 'assistant', content: text },
          finish_reason: stop ? 'length' : null,
        },
      ],
    })),
  'POST /tokenize': (_, body, response) =>
    send(response, 200, { tokens: [...String(body['content'] ?? '')].map((letter) => letter.codePointAt(0)) }),
};

/** The name in the request does not matter: one model is all there is. */
function nameOf(engine: FakeEngine): string {
  return engine.settings.alias ?? engine.settings.model;
}

function propsOf(engine: FakeEngine): Json {
  return {
    default_generation_settings: { params: {}, n_ctx: engine.contextPerSlot },
    total_slots: engine.slots,
    model_alias: nameOf(engine),
    model_path: engine.settings.model,
    model_ftype: 'Q8_0',
    build_info: 'b11669-fake',
    is_sleeping: engine.isSleeping,
    endpoint_slots: engine.settings.slots,
    endpoint_props: false,
    endpoint_metrics: engine.settings.metrics,
    ...engine.faults.props,
  };
}

function slotsOf(engine: FakeEngine): readonly Json[] {
  return Array.from({ length: engine.slots }, (_, id) => ({
    id,
    n_ctx: engine.contextPerSlot,
    speculative: false,
    is_processing: id < engine.inFlight,
    id_task: engine.taskIn(id),
  }));
}

function modelsOf(engine: FakeEngine): Json {
  const meta = { n_ctx: engine.contextPerSlot, n_ctx_train: engine.weights?.contextTrained };
  return {
    object: 'list',
    data: [{ id: nameOf(engine), aliases: [nameOf(engine)], tags: engine.settings.tags, object: 'model', owned_by: 'llamacpp', meta }],
  };
}

async function complete(
  engine: FakeEngine,
  body: Json,
  response: ServerResponse,
  shape: (text: string, stop: boolean) => Json,
): Promise<void> {
  const tokens = Number(body['max_tokens'] ?? body['n_predict'] ?? 4);
  if (body['stream'] !== true) {
    let text = '';
    await engine.generate(tokens, (token) => (text += token));
    return send(response, 200, shape(text, true));
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  await engine.generate(tokens, (token) => response.write(`data: ${JSON.stringify(shape(token, false))}\n\n`));
  response.end(`data: ${JSON.stringify(shape('', true))}\n\ndata: [DONE]\n\n`);
}

function send(response: ServerResponse, status: number, body: object | string): void {
  const isText = typeof body === 'string';
  response
    .writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json; charset=utf-8' })
    .end(isText ? body : JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as Json;
  } catch {
    return {};
  }
}
