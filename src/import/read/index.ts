import { importCompose } from '../files/compose.ts';
import { importLitellm } from '../files/litellm.ts';
import { importLlamaSwap } from '../files/llama-swap.ts';
import type { Imported } from '../imported.ts';
import { importLlamaServer } from '../llama/running.ts';
import { importOllama } from '../ollama/index.ts';
import { importVllm } from '../vllm/index.ts';
import { addressOf } from './address.ts';
import { readForeign, type Places } from './file.ts';
import { readLlamaServer } from './llama-server.ts';
import { readOllama } from './ollama.ts';
import { readVllm } from './vllm.ts';

/** Where models can be taken over from: servers that run, and files of other tools. */
export type SourceName = 'ollama' | 'llama-server' | 'vllm' | 'llama-swap' | 'compose' | 'litellm';

/** What a source may know of its surroundings. */
export interface Surroundings extends Places {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** For one request, in milliseconds. */
  readonly deadlineMs: number;
}

const COMPOSE = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/** Reads what a server or a file declares. `from`: its address or path; null: where it usually is. Changes nothing there. */
export async function gather(source: SourceName, from: string | null, around: Surroundings): Promise<Imported> {
  const { env, signal, deadlineMs, outDir } = around;
  const asking = { source, signal, deadlineMs };
  const address = (port: number, usual = '127.0.0.1'): string => addressOf(from ?? usual, port);
  switch (source) {
    case 'ollama':
      return importOllama(await readOllama(address(11_434, env['OLLAMA_HOST'] || undefined), asking));
    case 'llama-server':
      return importLlamaServer(await readLlamaServer(address(8080), outDir, { ...asking, key: env['LLAMA_API_KEY'] }));
    case 'vllm':
      return importVllm(await readVllm(address(8000), outDir, { ...asking, key: env['VLLM_API_KEY'] }));
    case 'llama-swap':
      return importLlamaSwap(await readForeign(from, ['config.yaml', 'llama-swap.yaml'], around));
    case 'compose':
      return importCompose(await readForeign(from, COMPOSE, around));
    case 'litellm':
      return importLitellm(await readForeign(from, ['litellm_config.yaml', 'litellm-config.yaml', 'config.yaml'], around));
  }
}
