import type { OnReadOpts, Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Takes the bytes of a body. */
export interface Sink {
  /** Calls `release` when it is done with the bytes: their memory is then written over. */
  take(bytes: Uint8Array, release: () => void): void;
}

/** Where the bytes of a socket go once the head of the answer is over. */
export interface Outlet extends Sink {
  /** No more comes: the socket was closed, in order or with an error. */
  end(error: Error | null): void;
}

/** Together less than 1 MiB: what is in them when this process is killed must be fetched again. */
const BUFFERS = 7;
const BUFFER_BYTES = 128 * 1024;

/**
 * A socket for node:http that lets the body past it. Node gives every piece of a body memory of its own, twice; at 1 GB/s
 * that costs more than fetching it (bench/download.ts). So a socket is opened that reads into few buffers (`onread` of
 * node:net), the head of the answer goes to node:http, which is the one to understand it, and the body goes where
 * `divert` says; or, if `pass` is called instead, to node:http like the head.
 */
export class Tap extends Duplex {
  readonly #socket: Socket;
  readonly #free: Uint8Array[] = [];
  #current: Uint8Array = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #buffers = 1;
  #mode: 'head' | 'held' | 'pass' | 'divert' = 'head';
  #line = Buffer.alloc(0);
  #rest: Uint8Array | null = null;
  #outlet: Outlet | null = null;
  #ended = false;

  /** `connect` opens the socket with the reading that it is given. */
  constructor(connect: (onread: OnReadOpts) => Socket) {
    super();
    this.#socket = connect({ buffer: () => this.#current, callback: (length) => this.#arrived(length) });
    this.#socket.on('error', (error) => this.destroy(error));
    this.#socket.on('end', () => this.#over());
    this.#socket.on('close', () => this.#over());
  }

  /** Sends the body, and nothing of it to node:http. False: the head is not over, so `pass` is all that is left. */
  divert(outlet: Outlet): boolean {
    if (this.#mode !== 'held') return false;
    this.#mode = 'divert';
    this.#outlet = outlet;
    const rest = this.#rest;
    this.#rest = null;
    if (rest && rest.length > 0) outlet.take(rest, () => undefined);
    if (this.#ended) this.#close(null);
    else this.#socket.resume();
    return true;
  }

  /** Lets node:http have the body. */
  pass(): void {
    const rest = this.#rest;
    this.#mode = 'pass';
    this.#rest = null;
    if (rest && rest.length > 0) this.push(rest);
    if (this.#ended) this.push(null);
    else this.#socket.resume();
  }

  override _read(): void {
    if (this.#mode === 'head' || this.#mode === 'pass') this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    this.#close(error ?? new Error('the connection was closed'));
    done(error);
  }

  /** Gives what was read to whom it belongs. False: reads no further until `resume`. */
  #arrived(length: number): boolean {
    const bytes = this.#current.subarray(0, length);
    if (this.#mode === 'divert') return this.#hand(bytes);
    // node:http keeps what it is given, and the buffer is read into again.
    const copy = Buffer.from(bytes);
    if (this.#mode === 'pass') return this.push(copy);
    if (this.#mode === 'head') return this.#head(copy);
    this.#rest = Buffer.concat([this.#rest ?? Buffer.alloc(0), copy]);
    return false;
  }

  /** One buffer stays in hand, because Node asks for the next one before it heeds a pause. */
  #hand(bytes: Uint8Array): boolean {
    const buffer = this.#current;
    this.#current = this.#free.pop() ?? this.#another();
    this.#outlet?.take(bytes, () => {
      const waiting = !this.#more();
      this.#free.push(buffer);
      if (waiting && !this.#ended) this.#socket.resume();
    });
    return this.#more();
  }

  #more(): boolean {
    return this.#free.length > 0 || this.#buffers < BUFFERS;
  }

  #another(): Uint8Array {
    this.#buffers += 1;
    return Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  /** Passes heads on until that of the last answer is over. Answers of 100 to 199 are only its forerunners. */
  #head(bytes: Buffer): boolean {
    const known = this.#line.length;
    this.#line = Buffer.concat([this.#line, bytes]);
    const end = this.#line.indexOf('\r\n\r\n', Math.max(0, known - 3));
    if (end < 0) return this.push(bytes);
    const split = end + 4 - known;
    const forerunner = /^HTTP\/1\.\d 1\d\d/.test(this.#line.toString('latin1', 0, 12));
    this.#line = Buffer.alloc(0);
    if (forerunner) {
      this.push(bytes.subarray(0, split));
      return split < bytes.length ? this.#head(bytes.subarray(split)) : true;
    }
    this.#mode = 'held';
    this.#rest = bytes.subarray(split);
    this.push(bytes.subarray(0, split));
    // node:http may have told of the answer by now, and somebody have asked for its body.
    return (this.#mode as string) !== 'held';
  }

  #over(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#mode === 'divert') this.#close(null);
    else if (this.#mode !== 'held') this.push(null);
  }

  #close(error: Error | null): void {
    const outlet = this.#outlet;
    this.#outlet = null;
    outlet?.end(error);
  }
}
