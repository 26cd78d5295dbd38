import type { ReadRange } from '../catalog/header.ts';
import type { ProblemError } from '../domain/problem.ts';
import type { Net, WeightsRequest } from './context.ts';
import { cutOff, garbled, networkProblem } from './failures.ts';
import { ask } from './http.ts';
import type { Reply } from './http.ts';
import { passingStatus, retrying } from './retry.ts';
import { readSome } from './small.ts';
import type { Answer } from './answer.ts';

/** The beginning of a file, wherever it lies. */
export interface Beginning {
  /** Of the whole file. */
  readonly size: number;
  /** Ranges are to be read in order, more or less: everything before them is read, too. */
  readonly read: ReadRange;
  close(): Promise<void>;
}

/** What a remote file is to be, and what an answer means that is no file. */
export interface Expected {
  /** Bytes that are fetched first. */
  readonly first: number;
  /** Size of the file; null: not known. */
  readonly bytes: number | null;
  /** The problem behind an answer that is neither 200, 206, 416 nor one that may pass. */
  refusal(answer: Answer): ProblemError;
}

const MOST_ERROR_BYTES = 64 * 1024;

/**
 * Opens the beginning of a remote file. Fetches what is read and no more: by `Range`, or, from a server that does not know
 * it, from an answer that is left unread after the last byte that was needed. null: the server does not tell the size.
 * Throws, as `read` does, a ProblemError: `source-*`, `cancelled`, or what `refusal` makes.
 */
export async function openRemote(request: WeightsRequest, expected: Expected, net: Net): Promise<Beginning | null> {
  const remote = new RemoteFileBeginning(request, expected, net);
  await remote.upTo(expected.first);
  const { size } = remote;
  if (size === null) {
    remote.close();
    return null;
  }
  return {
    size,
    read: async (from, to) => {
      await remote.upTo(to);
      return remote.bytes.subarray(from, to);
    },
    close: () => Promise.resolve(remote.close()),
  };
}

class RemoteFileBeginning {
  /** From the first byte on. */
  bytes: Buffer = Buffer.alloc(0);
  size: number | null;
  readonly #request: WeightsRequest;
  readonly #expected: Expected;
  readonly #net: Net;
  /** The answer that is being read, where ranges are not known; and its chunks. */
  #whole: { readonly reply: Reply; readonly chunks: AsyncIterator<Buffer> } | null = null;

  constructor(request: WeightsRequest, expected: Expected, net: Net) {
    this.#request = request;
    this.#expected = expected;
    this.#net = net;
    this.size = expected.bytes;
  }

  /** Fetches what is missing of the first `to` bytes. */
  async upTo(to: number): Promise<void> {
    while (this.bytes.length < Math.min(to, this.size ?? to)) {
      await retrying(this.#net, () => (this.#whole === null ? this.#ask(to) : this.#goOn(to)));
      if (this.size === null) return;
    }
  }

  close(): void {
    this.#whole?.reply.close();
    this.#whole = null;
  }

  async #ask(to: number): Promise<void> {
    const from = this.bytes.length;
    const { url, headers, login } = this.#request;
    const reply = await ask(url, { ...headers, range: `bytes=${from}-${to - 1}` }, this.#net, login);
    if (reply.status === 206) return await this.#takePart(reply, from, to);
    if (reply.status === 200) return await this.#takeWhole(reply, to);
    const bytes = await readSome(reply, MOST_ERROR_BYTES, this.#net);
    const empty = /^bytes \*\/0$/.test(reply.headers['content-range'] ?? '');
    if (reply.status === 416 && empty) return this.#setSize(reply, 0);
    const answer = { status: reply.status, headers: reply.headers, url: reply.url, bytes };
    throw passingStatus(answer) ?? this.#expected.refusal(answer);
  }

  async #takePart(reply: Reply, from: number, to: number): Promise<void> {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(reply.headers['content-range'] ?? '') ?? [];
    if (Number(start) !== from || total === undefined) {
      reply.close();
      throw garbled(reply.url, 'answers with another range than it was asked for');
    }
    this.#setSize(reply, Number(total));
    const bytes = await readSome(reply, to - from, this.#net);
    if (bytes.length === 0) throw cutOff(reply.url);
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }

  /** The server sends the file from its beginning, whatever it was asked for. */
  async #takeWhole(reply: Reply, to: number): Promise<void> {
    const length = reply.headers['content-length'];
    if (length === undefined && this.size === null) return reply.close();
    if (length !== undefined) this.#setSize(reply, Number(length));
    this.#whole = { reply, chunks: (reply.body as AsyncIterable<Buffer>)[Symbol.asyncIterator]() };
    this.bytes = Buffer.alloc(0);
    await this.#goOn(to);
  }

  async #goOn(to: number): Promise<void> {
    if (this.#whole === null) return;
    const { reply, chunks } = this.#whole;
    const read: Buffer[] = [this.bytes];
    for (let have = this.bytes.length; have < Math.min(to, this.size ?? to);) {
      const { done, value } = await chunks.next().catch((error: unknown) => {
        this.close();
        throw networkProblem(reply.url, error, this.#net);
      });
      if (done) {
        this.close();
        throw cutOff(reply.url);
      }
      read.push(value);
      have += value.length;
    }
    this.bytes = Buffer.concat(read);
  }

  /** A page that asks for a password is no file, and a file of another size is another file. */
  #setSize(reply: Reply, size: number): void {
    const isText = /^text\/html\b/i.test(reply.headers['content-type'] ?? '');
    if (!isText && (this.size === null || this.size === size)) {
      this.size = size;
      return;
    }
    reply.close();
    throw garbled(reply.url, isText ? 'answers with a web page instead of a file' : `has ${size} bytes, and ${this.size} were expected`);
  }
}
