import { badRequest } from './errors.ts';

/** How the next token is chosen. Defaults are llama-server's, so that an answer does not depend on the backend. */
export interface Sampling {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  /** null: another one each time. */
  readonly seed: number | null;
}

/** What the three generating routes have in common. */
export interface GenerationOptions {
  /** null: until the model ends or the context is full. */
  readonly maxTokens: number | null;
  readonly sampling: Sampling;
  readonly stop: readonly string[];
  /** Never end by itself: for measurements of a fixed length. */
  readonly ignoreEos: boolean;
  readonly stream: boolean;
  /** `stream_options.include_usage`. */
  readonly usageInStream: boolean;
}

/** One turn of a conversation. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

/** A parsed JSON object: the only kind of body that is accepted. */
export type Body = Readonly<Record<string, unknown>>;

/** Settings that would change the answer and that this engine does not have: refused, because ignoring them would be a silent lie. */
const UNSUPPORTED = ['tools', 'functions', 'logprobs', 'logit_bias', 'grammar', 'json_schema', 'best_of', 'suffix', 'image_data'] as const;

/** Reads what `/v1/chat/completions`, `/v1/completions` and `/completion` share. Throws a {@link badRequest} error. */
export function readOptions(body: Body): GenerationOptions {
  refuseUnsupported(body);
  const maxTokens = number(body, ['max_tokens', 'max_completion_tokens', 'n_predict'], -1, Number.MAX_SAFE_INTEGER, true);
  const seed = number(body, ['seed'], -1, 0xffff_ffff, true);
  return {
    maxTokens: maxTokens === null || maxTokens < 0 ? null : maxTokens,
    sampling: {
      temperature: number(body, ['temperature'], 0, 100) ?? 0.8,
      topK: number(body, ['top_k'], 0, 1_000_000, true) ?? 40,
      topP: number(body, ['top_p'], 0, 1) ?? 0.95,
      minP: number(body, ['min_p'], 0, 1) ?? 0.05,
      seed: seed === null || seed < 0 ? null : seed,
    },
    stop: stops(body['stop']),
    ignoreEos: flag(body, 'ignore_eos'),
    stream: flag(body, 'stream'),
    usageInStream: isObject(body['stream_options']) && flag(body['stream_options'], 'include_usage'),
  };
}

/** Reads `messages`. Parts of text are joined; anything but text is refused. Throws a {@link badRequest} error. */
export function readMessages(body: Body): readonly Message[] {
  const messages = body['messages'];
  if (messages === undefined) throw badRequest("'messages' is required", 'messages');
  if (!Array.isArray(messages)) throw badRequest("Expected 'messages' to be an array", 'messages');
  if (messages.length === 0) throw badRequest("'messages' is empty", 'messages');
  return messages.map((message: unknown, index) => {
    const where = `messages[${index}]`;
    if (!isObject(message)) throw badRequest(`${where} must be an object`, where);
    if (typeof message['role'] !== 'string') throw badRequest(`${where}.role must be a string`, `${where}.role`);
    return { role: message['role'], content: contentOf(message['content'], `${where}.content`) };
  });
}

/** Reads `prompt`: text, tokens, or a list with one text. Throws a {@link badRequest} error. */
export function readPrompt(body: Body, vocabulary: number): string | readonly number[] {
  const prompt = body['prompt'];
  if (prompt === undefined) throw badRequest("'prompt' is required", 'prompt');
  if (typeof prompt === 'string') return prompt;
  if (Array.isArray(prompt) && prompt.length === 1 && typeof prompt[0] === 'string') return prompt[0];
  if (Array.isArray(prompt) && prompt.length > 0 && prompt.every((token) => typeof token === 'number'))
    return tokensOf(prompt, vocabulary, 'prompt');
  throw badRequest("'prompt' must be a string or an array of tokens (one prompt for each request)", 'prompt');
}

/** Checks that every member is a token of the vocabulary: any other number would crash the engine. */
export function tokensOf(value: unknown, vocabulary: number, param: string): readonly number[] {
  if (!Array.isArray(value)) throw badRequest(`'${param}' must be an array of tokens`, param);
  return value.map((token: unknown) => {
    if (typeof token !== 'number' || !Number.isInteger(token) || token < 0 || token >= vocabulary) {
      throw badRequest(`'${param}' must hold tokens from 0 to ${vocabulary - 1}`, param);
    }
    return token;
  });
}

/** A boolean member; absent is false. */
export function flag(body: Body, name: string): boolean {
  const value = body[name] ?? false;
  if (typeof value !== 'boolean') throw badRequest(`'${name}' must be true or false`, name);
  return value;
}

/** True for a JSON object. */
export function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseUnsupported(body: Body): void {
  for (const name of UNSUPPORTED) {
    const value = body[name];
    const asked = value !== undefined && value !== null && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0);
    if (asked) throw badRequest(`'${name}' is not supported by the embedded engine`, name);
  }
  if ((number(body, ['n'], 1, 1_000, true) ?? 1) !== 1)
    throw badRequest("'n' must be 1: the embedded engine gives one answer for each request", 'n');
  const format = body['response_format'];
  if (isObject(format) && format['type'] !== 'text') {
    throw badRequest(`'response_format' of type '${String(format['type'])}' is not supported by the embedded engine`, 'response_format');
  }
}

function contentOf(content: unknown, where: string): string {
  if (typeof content === 'string') return content;
  if (content === null || content === undefined) return '';
  if (!Array.isArray(content)) throw badRequest(`${where} must be a string or an array of parts`, where);
  return content
    .map((part: unknown) => {
      if (isObject(part) && part['type'] === 'text' && typeof part['text'] === 'string') return part['text'];
      throw badRequest(`${where} may hold parts of type 'text' only: this engine reads text`, where);
    })
    .join('\n');
}

function stops(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list
    .map((stop) => {
      if (typeof stop !== 'string') throw badRequest("'stop' must be a string or an array of strings", 'stop');
      return stop;
    })
    .filter((stop) => stop !== '');
}

function number(body: Body, names: readonly string[], least: number, most: number, whole = false): number | null {
  for (const name of names) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number' || (whole && !Number.isInteger(value)))
      throw badRequest(`'${name}' must be a ${whole ? 'whole ' : ''}number`, name);
    if (value < least || value > most) throw badRequest(`'${name}' must lie between ${least} and ${most}`, name);
    return value;
  }
  return null;
}
