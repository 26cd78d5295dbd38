import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name of the environment variable that holds the faults, as JSON. */
export const FAULTS = 'FAKE_LLAMA';

/** What a test may ask the fake to do wrong. Files stand for events, so that no test has to wait for a time. */
export interface Faults {
  /** `b4000` stands for builds before `--load-mode`, `--no-ui`, `--offline`. */
  readonly build?: '0.7.0' | 'b4000';
  /** Weights load until this file exists. */
  readonly loadUntil?: string;
  /** Line that is logged before it exits with code 1 while loading. */
  readonly failLoad?: string;
  /** The same for the first so many starts; counted in `counter`. */
  readonly failLoads?: number;
  readonly counter?: string;
  /** Refuses the port in the first so many starts. */
  readonly bindFailures?: number;
  /** Ends without a word in this completion, counted from 1. */
  readonly crashInRequest?: number;
  /** Takes connections and answers nothing while this file exists. */
  readonly hangWhile?: string;
  /** Answers each request with a page of HTML and status 200. */
  readonly html?: boolean;
  /** Answers with this text and status 200, by path. */
  readonly answers?: Readonly<Record<string, string>>;
  /** Merged over what `/props` says. */
  readonly props?: Readonly<Record<string, unknown>>;
  /** Sleeps from its second request on. `/slots` wakes it, and writes `woken` into the log. */
  readonly sleeps?: boolean;
  readonly ignoreSigterm?: boolean;
  /** Starts a child that inherits the mark and outlives its parent. */
  readonly grandchild?: boolean;
  /** Requests with more than one token generate until this file exists. */
  readonly generateUntil?: string;
}

/** The faults that the environment asks for. */
export function readFaults(env: NodeJS.ProcessEnv): Faults {
  return JSON.parse(env[FAULTS] ?? '{}') as Faults;
}

/** True for the first `times` calls with this folder, over all processes. */
export function strikes(folder: string | undefined, times: number | undefined): boolean {
  if (folder === undefined || times === undefined) return false;
  mkdirSync(folder, { recursive: true });
  for (let number = 0; number < times; number += 1) {
    const mark = join(folder, String(number));
    if (existsSync(mark)) continue;
    writeFileSync(mark, '');
    return true;
  }
  return false;
}

/** Resolves when the file is there. */
export async function until(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((next) => setTimeout(next, 5));
}
