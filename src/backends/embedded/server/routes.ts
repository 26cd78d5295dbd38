import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from './errors.ts';
import type { EmbeddedEngine } from './engine.ts';
import type { Outcome, Piece } from './generate.ts';
import { openStream, readBody, sendJson } from './http.ts';
import { CHAT, modelsBody, NATIVE, propsBody, slotsBody, TEXT } from './openai.ts';
import type { Dialect, Head } from './openai.ts';
import { badRequest } from './errors.ts';
import { flag, readMessages, readOptions, readPrompt, tokensOf } from './request.ts';
import type { Body } from './request.ts';

/** One request on its way. */
export interface Exchange {
  readonly engine: EmbeddedEngine;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** Numbers for the log line: `prompt=38 generated=13`. Never text of a prompt or an answer. */
  note(text: string): void;
}

/** Answers one request, or throws an {@link HttpError} before anything was sent. */
export type Route = (exchange: Exchange) => Promise<void>;

const models: Route = async ({ engine, response }) => sendJson(response, 200, modelsBody(engine.facts, seconds()));

/** Every route, by method and path. `/health` answers before the model is loaded and therefore stands elsewhere. */
export const ROUTES: Readonly<Record<string, Route>> = {
  'GET /v1/models': models,
  'GET /models': models,
  'GET /props': async ({ engine, response }) => sendJson(response, 200, propsBody(engine.facts)),
  'GET /slots': async ({ engine, response }) => sendJson(response, 200, slotsBody(engine.facts, engine.slots.state())),
  'POST /v1/chat/completions': generating(CHAT, (engine, body) => engine.render(readMessages(body))),
  'POST /v1/completions': generating(TEXT, (engine, body) => readPrompt(body, engine.facts.vocabulary)),
  'POST /completion': generating(NATIVE, (engine, body) => readPrompt(body, engine.facts.vocabulary)),
  'POST /tokenize': tokenize,
  'POST /detokenize': detokenize,
  'POST /apply-template': async ({ engine, request, response }) =>
    sendJson(response, 200, { prompt: engine.render(readMessages(await readBody(request))) }),
};

/** The answer to a path that does not exist, in llama-server's words. */
export function notFound(): HttpError {
  return new HttpError(404, 'not_found_error', 'File Not Found');
}

function generating(dialect: Dialect, promptOf: (engine: EmbeddedEngine, body: Body) => string | readonly number[]): Route {
  return async (exchange) => {
    const { engine, response, signal } = exchange;
    const body = await readBody(exchange.request);
    const options = readOptions(body);
    const head: Head = { id: `chatcmpl-${randomUUID()}`, created: seconds(), facts: engine.facts };
    const pieces = engine.run(promptOf(engine, body), options, signal);
    const outcome = options.stream
      ? await stream(response, pieces, dialect, head, options.usageInStream)
      : await whole(response, pieces, dialect, head);
    exchange.note(
      `prompt=${outcome.promptTokens} cached=${outcome.cachedTokens} generated=${outcome.generatedTokens} end=${outcome.reason}`,
    );
  };
}

type Pieces = AsyncGenerator<Piece, Outcome>;

async function whole(response: ServerResponse, pieces: Pieces, dialect: Dialect, head: Head): Promise<Outcome> {
  let text = '';
  let next = await pieces.next();
  for (; !next.done; next = await pieces.next()) text += next.value.text;
  sendJson(response, 200, dialect.whole(head, text, next.value));
  return next.value;
}

/** The stream begins with the first piece: until then an error still has a status of its own. */
async function stream(response: ServerResponse, pieces: Pieces, dialect: Dialect, head: Head, withUsage: boolean): Promise<Outcome> {
  let next = await pieces.next();
  const events = openStream(response);
  const opening = dialect.opening(head);
  if (opening) await events.send(opening);
  for (; !next.done; next = await pieces.next()) await events.send(dialect.piece(head, next.value.text));
  for (const event of dialect.closing(head, next.value, withUsage)) await events.send(event);
  events.done();
  return next.value;
}

async function tokenize({ engine, request, response }: Exchange): Promise<void> {
  const body = await readBody(request);
  const content = body['content'];
  if (typeof content !== 'string') throw badRequest("'content' must be a string", 'content');
  const tokens = engine.tokenize(content, body['parse_special'] === undefined ? true : flag(body, 'parse_special'));
  const pieces = flag(body, 'with_pieces') ? tokens.map((id) => ({ id, piece: engine.detokenize([id]) })) : tokens;
  sendJson(response, 200, { tokens: pieces });
}

async function detokenize({ engine, request, response }: Exchange): Promise<void> {
  const body = await readBody(request);
  sendJson(response, 200, { content: engine.detokenize(tokensOf(body['tokens'], engine.facts.vocabulary, 'tokens')) });
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
