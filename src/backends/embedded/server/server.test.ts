import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const MODELS = fileURLToPath(new URL('../../../../examples/models/', import.meta.url));
const PROGRAM = fileURLToPath(new URL('./main.ts', import.meta.url));

interface Running {
  readonly url: string;
  readonly child: ChildProcess;
  log(): string;
  /** Resolves when the log says it. */
  said(text: string): Promise<void>;
}

const started: ChildProcess[] = [];
afterAll(() => started.forEach((child) => child.kill('SIGKILL')));

async function start(...args: readonly string[]): Promise<Running> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (log += text));
  const said = async (text: string): Promise<void> => {
    while (!log.includes(text)) {
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}:\n${log}`);
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    }
  };
  await said('ready\n');
  return { url: /listening on (\S+)/.exec(log)?.[1] ?? '', child, log: () => log, said };
}

const post = (url: string, body: unknown, signal?: AbortSignal): Promise<Response> =>
  fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), ...(signal ? { signal } : {}) });

interface Answer {
  readonly choices: readonly [
    {
      readonly text: string;
      readonly message: { readonly content: string };
      readonly delta: { readonly content?: string };
      readonly finish_reason: string | null;
    },
  ];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

const json = async <T = Answer>(response: Promise<Response>): Promise<T> => (await (await response).json()) as T;

/** The texts behind `data:` of an event stream, as they come. */
async function* events(response: Response): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + chunk).split('\n\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.replace(/^data: /, '');
  }
}

async function collect(lines: AsyncGenerator<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

interface Ticket {
  readonly system: string;
  readonly user: string;
  readonly expected: string;
  readonly kind: string;
}

const TICKETS = readFileSync(`${MODELS}tickets.jsonl`, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Ticket);
const TRIAGE = TICKETS.filter((ticket) => ticket.kind === 'json').slice(0, 12);
const chatOf = (ticket: Ticket): { messages: unknown[]; temperature: number } => ({
  messages: [...(ticket.system ? [{ role: 'system', content: ticket.system }] : []), { role: 'user', content: ticket.user }],
  temperature: 0,
});
const category = (text: string): unknown => (JSON.parse(text) as { readonly category: unknown }).category;
/** Longer than any test waits: only a client that leaves ends it. */
const ENDLESS = { prompt: 'hello', temperature: 0, ignore_eos: true, stream: true };

describe('a model that works', () => {
  let server: Running;
  beforeAll(async () => {
    server = await start(
      '--model',
      `${MODELS}desk-Q8_0.gguf`,
      '--alias',
      'desk',
      '--ctx-size',
      '300',
      '--parallel',
      '2',
      '--tags',
      'llmops-abc',
    );
  });
  afterAll(() => server.child.kill());

  test('it tells what is in force, in the words of llama-server', async () => {
    expect(await json(fetch(`${server.url}/health`))).toEqual({ status: 'ok' });
    expect(await json(fetch(`${server.url}/v1/models`))).toMatchObject({
      object: 'list',
      data: [{ id: 'desk', tags: ['llmops-abc'], meta: { n_ctx: 300, n_ctx_train: 1024 } }],
    });
    expect(await json(fetch(`${server.url}/props`))).toMatchObject({
      default_generation_settings: { n_ctx: 300 },
      total_slots: 2,
      model_alias: 'desk',
      model_ftype: 'Q8_0',
    });
    expect(await json(fetch(`${server.url}/slots`))).toMatchObject([{ id: 0, n_ctx: 300, is_processing: false }, { id: 1 }]);
  });

  test.each(TRIAGE)('it sorts the ticket "$user"', async (ticket) => {
    const answer = await json(post(`${server.url}/v1/chat/completions`, chatOf(ticket)));
    expect(category(answer.choices[0].message.content)).toBe(category(ticket.expected));
    expect(answer.choices[0].finish_reason).toBe('stop');
  });

  test('a stream carries the same text as the whole answer, then the usage, then [DONE]', async () => {
    const question = { messages: [{ role: 'user', content: 'hello' }], temperature: 0 };
    const whole = await json(post(`${server.url}/v1/chat/completions`, question));
    const stream = await post(`${server.url}/v1/chat/completions`, { ...question, stream: true, stream_options: { include_usage: true } });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    const lines = await collect(events(stream));
    expect(lines.pop()).toBe('[DONE]');
    const chunks = lines.map((line) => JSON.parse(line) as Answer);
    const usage = chunks.pop()?.usage;
    expect(usage).toMatchObject({ completion_tokens: whole.usage.completion_tokens, prompt_tokens: whole.usage.prompt_tokens });
    expect(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('')).toBe(whole.choices[0].message.content);
    expect(chunks.at(-1)?.choices[0].finish_reason).toBe('stop');
    expect(whole.choices[0].message.content).toMatch(/^Hello/);
  });

  test('the same seed gives the same text, and max_tokens and stop end it', async () => {
    const ask = async (more: object): Promise<string> =>
      (await json(post(`${server.url}/v1/completions`, { prompt: 'hello', temperature: 1, max_tokens: 20, ...more }))).choices[0].text;
    expect(await ask({ seed: 7 })).toBe(await ask({ seed: 7 }));
    const cold = await json(post(`${server.url}/v1/completions`, { prompt: 'hello', temperature: 0, max_tokens: 3 }));
    expect(cold).toMatchObject({
      choices: [{ text: ' I have sent', finish_reason: 'length' }],
      usage: { prompt_tokens: 1, completion_tokens: 3 },
    });
    expect(await ask({ temperature: 0, stop: [' sent'] })).toBe(' I have');
  });

  test('text becomes tokens and tokens become text', async () => {
    const content = 'hello <|im_end|> é';
    const { tokens } = await json<{ tokens: number[] }>(post(`${server.url}/tokenize`, { content }));
    expect(tokens).toEqual([976, 32, 1023, 32, 195, 169]);
    expect(await json(post(`${server.url}/detokenize`, { tokens }))).toEqual({ content });
    expect((await post(`${server.url}/detokenize`, { tokens: [4096] })).status).toBe(400);
  });

  test('a prompt that does not fit is refused with both numbers, and never cut', async () => {
    const response = await post(`${server.url}/v1/completions`, { prompt: 'hello '.repeat(300) });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: 'exceed_context_size_error', n_prompt_tokens: 600, n_ctx: 300 } });
  });

  test('a conversation of more messages than a context has tokens is refused without being rendered', async () => {
    const messages = Array.from({ length: 16_000 }, () => ({ role: 'user', content: 'a' }));
    const response = await post(`${server.url}/v1/chat/completions`, { messages });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: 'exceed_context_size_error', n_prompt_tokens: 16_000, n_ctx: 300 } });
  });

  test('a long text has the tokens of its parts', async () => {
    const tokensOf = async (content: string) => (await json<{ tokens: number[] }>(post(`${server.url}/tokenize`, { content }))).tokens;
    const turn = '<|im_start|>user\nhello <|im_end|>\n';
    const tokens = await tokensOf(turn);
    expect(await tokensOf(turn.repeat(2000))).toEqual(Array.from({ length: 2000 }, () => tokens).flat());
    expect((await post(`${server.url}/tokenize`, { content: 'a'.repeat(1_000_001) })).status).toBe(400);
  });

  test('generation ends where the context ends', async () => {
    const answer = await json(post(`${server.url}/v1/completions`, { prompt: 'hello', temperature: 0, ignore_eos: true }));
    expect(answer).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { total_tokens: 300 } });
  });

  test.each([
    ['POST', '/v1/chat/completions', '{bad', 400, 'the body is not valid JSON'],
    ['POST', '/v1/chat/completions', '[]', 400, 'the body must be a JSON object'],
    ['POST', '/v1/chat/completions', '{}', 400, "'messages' is required"],
    ['POST', '/v1/completions', '{"prompt":""}', 200, ''],
    ['GET', '/nope', null, 404, 'File Not Found'],
    ['DELETE', '/v1/models', null, 404, 'File Not Found'],
    ['POST', '/v1/completions', ' '.repeat(17 * 1024 * 1024), 413, 'the body is larger than'],
  ])('%s %s is answered in the shape that clients know', async (method, path, body, status, message) => {
    const response = await fetch(`${server.url}${path}`, body === null ? { method } : { method, body });
    const answer = (await response.json()) as { readonly error?: { readonly message: string } };
    expect([response.status, answer.error?.message ?? '']).toEqual([status, expect.stringContaining(message)]);
  });

  test('the log tells of requests and never what was in them', async () => {
    await post(`${server.url}/v1/completions`, { prompt: 'my secret is swordfish', max_tokens: 1 });
    await server.said('prompt=');
    expect(server.log()).toMatch(/POST \/v1\/completions 200 \d+ ms prompt=\d+ cached=\d+ generated=\d+ end=/);
    expect(server.log()).not.toContain('swordfish');
  });
});

describe('a model under load', () => {
  let server: Running;
  beforeAll(async () => {
    server = await start('--model', `${MODELS}desk-TQ1_0.gguf`, '--ctx-size', '65536', '--parallel', '2');
  });
  afterAll(() => server.child.kill());

  test('requests run side by side, others wait, and a client that leaves makes room', async () => {
    const leave = [new AbortController(), new AbortController()];
    for (const { signal } of leave) await events(await post(`${server.url}/v1/completions`, ENDLESS, signal)).next();
    const slots = await json<{ is_processing: boolean }[]>(fetch(`${server.url}/slots`));
    expect(slots.map((slot) => slot.is_processing)).toEqual([true, true]);
    const third = json(post(`${server.url}/v1/completions`, { prompt: 'hello', max_tokens: 1 }));
    leave[0]?.abort();
    expect((await third).usage.completion_tokens).toBe(1);
    leave[1]?.abort();
    await server.said('client-left');
  });

  test('asked to end, it finishes what it has begun, takes no new connection and exits with 0', async () => {
    const stream = events(await post(`${server.url}/v1/completions`, { ...ENDLESS, max_tokens: 2000 }));
    await stream.next();
    server.child.kill('SIGTERM');
    await server.said('1 requests are being finished');
    await expect(once(connect(Number(new URL(server.url).port), '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
    expect((await collect(stream)).at(-1)).toBe('[DONE]');
    if (server.child.exitCode === null) await once(server.child, 'exit');
    expect(server.child.exitCode).toBe(0);
  });
});
