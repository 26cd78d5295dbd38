import type { Imported } from '../imported.ts';
import { importOllama } from '../ollama/index.ts';
import { addressOf } from './address.ts';
import type { Asking } from './http.ts';
import { readOllama } from './ollama.ts';

/** Where models can be taken over from: servers that run, and files of other tools. */
export const SOURCES = ['ollama', 'llama-server', 'vllm', 'llama-swap', 'compose', 'litellm'] as const;
export type SourceName = (typeof SOURCES)[number];

/** What a source may know of its surroundings. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** For one request, in milliseconds. */
  readonly deadlineMs: number;
  /** Where relative paths start. */
  readonly folder: string;
  readonly stdin: AsyncIterable<unknown>;
}

/** Reads what a server or a file declares. `from`: its address or path; null: where it usually is. Changes nothing there. */
export async function gather(source: SourceName, from: string | null, around: Surroundings): Promise<Imported> {
  const asking: Asking = around;
  switch (source) {
    case 'ollama':
      return importOllama(await readOllama(addressOf(from ?? (around.env['OLLAMA_HOST'] || '127.0.0.1'), 11_434), asking));
    default:
      throw new Error(`no reader for ${source}`);
  }
}
