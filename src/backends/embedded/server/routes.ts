import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest, HttpError } from './errors.ts';
import type { EmbeddedEngine } from './engine.ts';
import type { Outcome } from './generate.ts';
import { openStream, readBody, sendJson } from './http.ts';
import type { EventStream } from './http.ts';
import { CHAT, modelsBody, NATIVE, propsBody, slotsBody, TEXT } from './openai.ts';
import type { Dialect, Head } from './openai.ts';
import { flag, readMessages, readOptions, readPrompt, tokensOf } from './request.ts';
import type { Body } from './request.ts';

/** Text without special tokens is tokenized in one go, and nobody else is answered meanwhile: this takes half a second. */
const MAX_TOKENIZED = 1_000_000;

/** One request on its way. */
interface Exchange {
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
    const prompt = promptOf(engine, body);
    const answer = options.stream ? streamed(response, dialect, head, options.usageInStream) : whole(response, dialect, head);
    const outcome = await engine.run(prompt, options, signal, answer.take);
    await answer.end(outcome);
    exchange.note(
      `prompt=${outcome.promptTokens} cached=${outcome.cachedTokens} generated=${outcome.generatedTokens} end=${outcome.reason}`,
    );
  };
}

/** Where generated text goes. */
interface Answer {
  take(text: string): Promise<void> | void;
  end(outcome: Outcome): Promise<void>;
}

function whole(response: ServerResponse, dialect: Dialect, head: Head): Answer {
  let all = '';
  return {
    take: (text) => void (all += text),
    end: async (outcome) => sendJson(response, 200, dialect.whole(head, all, outcome)),
  };
}

/** The stream begins with the first piece: until then an error still has a status of its own. */
function streamed(response: ServerResponse, dialect: Dialect, head: Head, withUsage: boolean): Answer {
  let open: EventStream | null = null;
  const events = async (): Promise<EventStream> => {
    if (open) return open;
    open = openStream(response);
    const opening = dialect.opening(head);
    if (opening) await open.send(opening);
    return open;
  };
  return {
    take: async (text) => (await events()).send(dialect.piece(head, text)),
    async end(outcome) {
      const stream = await events();
      for (const event of dialect.closing(head, outcome, withUsage)) await stream.send(event);
      stream.done();
    },
  };
}

async function tokenize({ engine, request, response }: Exchange): Promise<void> {
  const body = await readBody(request);
  const content = body['content'];
  if (typeof content !== 'string') throw badRequest("'content' must be a string", 'content');
  if (content.length > MAX_TOKENIZED)
    throw badRequest(`'content' is longer than ${MAX_TOKENIZED} characters: tokenize it in parts`, 'content');
  const tokens = await engine.tokenize(content, body['parse_special'] === undefined ? true : flag(body, 'parse_special'));
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
