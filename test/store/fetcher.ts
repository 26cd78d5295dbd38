// Fetches one file into a store, in a process of its own that a test may kill. Tells each progress as a line of JSON.
import { openStore, type Download, type Tuning } from '../../src/store/index.ts';
import type { RemoteFile } from '../../src/domain/weights.ts';
import { ProblemError } from '../../src/domain/problem.ts';

/** What the program is told, as JSON in its first argument. */
export interface FetcherTask {
  readonly dir: string;
  readonly file: RemoteFile;
  readonly download: Download;
  readonly tuning: Partial<Tuning>;
  /** Bytes that the disk is said to have free; absent: what it says itself. */
  readonly free?: number;
}

/** One line of what it tells. */
export type FetcherLine = { readonly done: number } | { readonly note: string } | { readonly failed: string } | { readonly whole: true };

const tell = (line: FetcherLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const { dir, file, download, tuning, free } = JSON.parse(process.argv[2] ?? '') as FetcherTask;
const room = free === undefined ? {} : { freeBytes: () => Promise.resolve(free) };
const io = {
  signal: new AbortController().signal,
  progress: (done: number) => tell({ done }),
  note: (note: string) => tell({ note }),
};
try {
  await openStore({ dir, env: {}, tuning, ...room }).fetch(file, download, io);
  tell({ whole: true });
} catch (error) {
  if (!(error instanceof ProblemError)) throw error;
  tell({ failed: error.problem.code });
}
