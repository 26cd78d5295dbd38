import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { openFileSource, type FileSource } from '../../../src/source/files.ts';
import type { SourceLook } from '../../../src/source/types.ts';

/** For what must not happen: as long as the slowest of what would make it happen. */
const QUIET_MS = 700;
const NEVER = new AbortController().signal;

/** A folder with stack files, watched. */
export interface Stage {
  readonly dir: string;
  readonly source: FileSource;
  calls: number;
  path(name: string): string;
  write(name: string, text: string): void;
  /** The text that a look finds, or the code of the problem. */
  look(): Promise<string>;
  whole(): Promise<SourceLook>;
  /** Waits for a call that was not there before. */
  called(than?: number): Promise<void>;
  /** Waits for a call, looks, and goes on until it finds that. */
  sees(text: string): Promise<void>;
  /** How many calls came in a while in which none should. */
  quiet(): Promise<number>;
  close(): Promise<void>;
}

interface Options {
  readonly settleMs?: number;
  readonly rehashMs?: number;
  readonly usePolling?: boolean;
  /** Where llmops.yaml lies below the folder. */
  readonly below?: string;
  readonly shown?: string;
}

/** A folder of its own, removed after the test. */
export function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'llmops-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Without a watch: what lies there can be arranged first. */
export function openStage({ below = '', ...options }: Options = {}, dir: string = newFolder()): Stage {
  const path = (name: string): string => join(dir, below, name);
  const source = openFileSource({ file: path('llmops.yaml'), lockFile: path('llmops.lock'), ...options });
  const stage: Stage = {
    dir,
    source,
    calls: 0,
    path,
    write: (name, text) => {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
    },
    whole: () => source.look(NEVER),
    look: async () => wordsOf(await source.look(NEVER)),
    called: (than = 0) => vi.waitFor(() => (stage.calls > than ? undefined : Promise.reject(new Error('nobody called'))), LONG),
    sees: async (text) => {
      await stage.called();
      await vi.waitFor(async () => {
        const found = await stage.look();
        if (found !== text) throw new Error(`${found} instead of ${text}`);
      }, LONG);
    },
    quiet: async () => {
      const before = stage.calls;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      return stage.calls - before;
    },
    close: () => Promise.resolve(),
  };
  return stage;
}

const LONG = { timeout: 20_000, interval: 25 };

/** Looks once and watches from then on. Events alone tell, unless `rehashMs` says otherwise. */
export async function watched(stage: Stage): Promise<Stage> {
  await stage.look();
  const watching = await stage.source.watch(() => {
    stage.calls += 1;
  });
  stage.close = () => watching.close();
  onTestFinished(() => stage.close());
  return stage;
}

/** What a look found: the text, with the lock behind a bar; or the code of the problem. */
export function wordsOf(look: SourceLook): string {
  if (look.kind !== 'found') return look.problem.code;
  const { text, lock } = look.revision;
  return `${Buffer.from(text)}${lock === null ? '' : `|${Buffer.from(lock)}`}`;
}
