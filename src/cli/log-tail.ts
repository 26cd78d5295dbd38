import { open, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

const BLOCK = 64 * 1024;
/** A line without an end must not fill the memory: it is passed on in pieces of this many characters. */
const LONGEST_LINE = 1024 * 1024;

/** Byte offset at which the last `lines` lines begin. Reads backwards, so a log of gigabytes costs no more than its end. */
export async function offsetOfLastLines(handle: FileHandle, lines: number): Promise<number> {
  let end = (await handle.stat()).size;
  let wanted = lines;
  let last = true;
  while (end > 0) {
    const start = Math.max(0, end - BLOCK);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at -= 1) {
      // The line feed at the very end closes the last line and opens none.
      if (buffer[at] === 0x0a && !last && --wanted === 0) return start + at + 1;
      last = false;
    }
    end = start;
  }
  return 0;
}

/** Reads one log as it grows. A log that was rotated away is read to its end first; one that was cut is read anew. */
export class LogReader {
  readonly #path: string;
  #handle: FileHandle | null = null;
  #offset = 0;
  #decoder = new StringDecoder('utf8');
  #partial = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Starts at the last `lines` lines; 0: at the end of what is there now. */
  async skipTo(lines: number): Promise<void> {
    this.#handle ??= await openIfThere(this.#path);
    if (this.#handle) this.#offset = lines === 0 ? (await this.#handle.stat()).size : await offsetOfLastLines(this.#handle, lines);
  }

  /** The complete lines that were added since the last call, without their line feeds. */
  async read(): Promise<readonly string[]> {
    const fresh = await openIfThere(this.#path);
    const lines = await this.#readOpen();
    if (!fresh) return lines;
    if (this.#handle && (await sameFile(this.#handle, fresh))) {
      await fresh.close();
      return lines;
    }
    // Another file has this name now. Its beginning is new to us.
    const rest = this.rest();
    await this.close();
    this.#handle = fresh;
    this.#offset = 0;
    return [...lines, ...rest, ...(await this.#readOpen())];
  }

  /** What stands after the last line feed: asked for once, when nothing more will be read. */
  rest(): readonly string[] {
    const text = this.#partial + this.#decoder.end();
    this.#partial = '';
    return text ? [text] : [];
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
  }

  async #readOpen(): Promise<readonly string[]> {
    const handle = this.#handle;
    if (!handle) return [];
    const { size } = await handle.stat();
    if (size < this.#offset) this.#offset = 0;
    const lines: string[] = [];
    while (this.#offset < size) {
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(Math.min(BLOCK, size - this.#offset)),
        0,
        Math.min(BLOCK, size - this.#offset),
        this.#offset,
      );
      if (bytesRead === 0) break;
      this.#offset += bytesRead;
      lines.push(...this.#split(this.#decoder.write(buffer.subarray(0, bytesRead))));
    }
    return lines;
  }

  #split(text: string): readonly string[] {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    if (this.#partial.length > LONGEST_LINE) lines.push(...this.rest());
    return lines.map((line) => line.replace(/\r$/, ''));
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function sameFile(a: FileHandle, b: FileHandle): Promise<boolean> {
  const [one, other] = await Promise.all([a.stat(), b.stat()]);
  return one.ino === other.ino && one.dev === other.dev;
}
