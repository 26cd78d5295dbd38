import { isWebPage, type Asked, type Part } from '../http/judge.ts';
import type { Sink } from '../http/tap.ts';
import type { Answer } from '../http/exchange.ts';
import type { Download, FetchIo, Tuning } from '../types.ts';
import type { Spool } from './spool.ts';

/** One file that is being received, over as many connections as it takes. */
export interface Course {
  readonly download: Download;
  readonly io: FetchIo;
  readonly spool: Spool;
  readonly tuning: Tuning;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Bytes of the whole file; null: not known yet. */
  bytes(): number | null;
  /** Headers that ask for the rest; null: for the whole. */
  rangeHeaders(): Readonly<Record<string, string>> | null;
  /**
   * An answer begins. May empty the spool, if what is in it is of another file. Throws a TryAgain if the answer cannot be
   * joined to it.
   */
  begin(answer: Answer, part: Part): Promise<void>;
  /** The server's ranges cannot be trusted. */
  distrust(): Promise<void>;
}

/** What was asked for, for the judge. */
export function askedOf(course: Course, headers: Readonly<Record<string, string>> | null): Asked {
  return { download: course.download, from: headers ? course.spool.length() : null, bytes: course.bytes() };
}

/** Passes nothing on of a web page that says in its first bytes only that it is one; `told` is told of it. */
export function unlessPage(sink: Sink, told: () => void): Sink {
  let isPage: boolean | null = null;
  return {
    take: (bytes, release) => {
      isPage ??= isWebPage(bytes);
      if (!isPage) return sink.take(bytes, release);
      told();
      release();
    },
  };
}

/**
 * Leaves out the bytes that are there already, for a server that sends the whole file again, and stops at the end that the
 * file should have. `excess` is told of bytes behind that.
 */
export function joined(sink: Sink, skip: number, room: number | null, excess: () => void): Sink {
  let [skipping, left] = [skip, room ?? Infinity];
  return {
    take: (bytes, release) => {
      const dropped = Math.min(skipping, bytes.length);
      skipping -= dropped;
      const rest = bytes.subarray(dropped);
      if (rest.length > left) excess();
      const wanted = rest.subarray(0, Math.min(rest.length, left));
      left -= wanted.length;
      if (wanted.length > 0) sink.take(wanted, release);
      else release();
    },
  };
}
