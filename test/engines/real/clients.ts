import { request, type IncomingMessage } from 'node:http';

interface Message {
  readonly role: 'system' | 'user';
  readonly content: string;
}

/** What a chat request brought: text, and the HTTP status (0: the connection failed). */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One chat request over a connection of its own, as a client without a pool makes it. Never rejects. */
export function chat(url: string, messages: readonly Message[], maxTokens = 40): Promise<Answer> {
  const body = JSON.stringify({ model: 'desk', messages, temperature: 0, max_tokens: maxTokens });
  return new Promise((resolve) => {
    const asked = request(
      `${url}/v1/chat/completions`,
      { method: 'POST', headers: { 'content-type': 'application/json' }, agent: false },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
        response.on('error', (error) => resolve({ status: 0, text: error.message }));
        response.on('end', () => resolve(response.complete ? read(response.statusCode ?? 0, text) : { status: 0, text: 'cut off' }));
      },
    );
    asked.on('error', (error) => resolve({ status: 0, text: error.message }));
    asked.end(body);
  });
}

function read(status: number, text: string): Answer {
  if (status !== 200) return { status, text };
  const { choices } = JSON.parse(text) as { readonly choices: readonly { readonly message: { readonly content: string } }[] };
  return { status, text: choices[0]?.message.content ?? '' };
}

/** A request whose answer comes in pieces: `first` of them, and all of them as one text. */
export async function stream(url: string): Promise<{ readonly first: Promise<unknown>; readonly whole: Promise<string> }> {
  const body = JSON.stringify({ prompt: 'Once', max_tokens: 400, stream: true, ignore_eos: true, temperature: 0 });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${url}/v1/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, agent: false }, resolve)
      .on('error', reject)
      .end(body);
  });
  let text = '';
  const first = new Promise((resolve) => response.once('data', resolve));
  response.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const whole = new Promise<string>((resolve, reject) => {
    response.on('error', reject);
    response.on('end', () => resolve(text));
  });
  return { first, whole };
}

/** The task of examples/models/README.md, first row, on a ticket whose answer that file's author recorded. */
export async function triage(url: string): Promise<unknown> {
  const { status, text } = await chat(url, [
    { role: 'system', content: 'Triage the ticket. Reply with a JSON object.' },
    { role: 'user', content: 'The blender is too small and I want to send it back. Please note: I need help right now.' },
  ]);
  if (status !== 200) throw new Error(`${status}: ${text}`);
  return JSON.parse(text);
}

/** What {@link triage} must bring: examples/models/tickets.jsonl, line 2. */
export const TRIAGED = { category: 'returns', urgency: 'high' };

/** What one request of a steady client came to. `gone`: there was nobody to ask; `failed`: somebody was, and did not answer. */
interface Outcome {
  readonly is: 'answered' | 'gone' | 'failed';
  readonly atMs: number;
  readonly ms: number;
  readonly why: string;
}

/** What a steady client saw. */
export interface Seen {
  readonly outcomes: readonly Outcome[];
  /** How often service was lost: runs of requests without an answer. */
  readonly gaps: number;
  readonly failures: readonly string[];
  /** For people: counts and latencies. No test asserts a time. */
  readonly figures: string;
}

/** A client that asks ten times a second, each time where it is told to at that moment, until it is stopped. */
export function steadyClient(where: () => { readonly url: string } | null): { readonly stop: () => Promise<Seen> } {
  const asked: Promise<Outcome>[] = [];
  const began = performance.now();
  const ask = async (): Promise<Outcome> => {
    const atMs = performance.now() - began;
    const to = where();
    if (to === null) return { is: 'gone', atMs, ms: 0, why: 'no endpoint' };
    const { status, text } = await chat(to.url, [{ role: 'user', content: 'hello' }], 4);
    return { is: status === 200 ? 'answered' : 'failed', atMs, ms: performance.now() - began - atMs, why: `${to.url} ${status} ${text}` };
  };
  asked.push(ask());
  const timer = setInterval(() => asked.push(ask()), 100);
  return {
    async stop() {
      asked.push(ask());
      clearInterval(timer);
      return summary(await Promise.all(asked));
    },
  };
}

function summary(outcomes: readonly Outcome[]): Seen {
  const gaps = outcomes.filter(({ is }, at) => is !== 'answered' && outcomes[at - 1]?.is === 'answered').length;
  const failures = outcomes.filter(({ is }) => is === 'failed').map(({ atMs, why }) => `after ${Math.round(atMs)} ms: ${why}`);
  const answered = outcomes.filter(({ is }) => is === 'answered');
  const times = answered.map(({ ms }) => Math.round(ms)).sort((a, b) => a - b);
  const lost = outcomes.length - answered.length;
  const figures = `${outcomes.length} requests, ${lost} without an answer, ${failures.length} failed, ${gaps} gaps; median ${times[times.length >> 1]} ms, longest ${times.at(-1)} ms`;
  return { outcomes, gaps, failures, figures };
}
