import { isLoopback } from '../../domain/http.ts';
import { programName } from '../words.ts';
import { listOf, mapOf, textOf } from '../json.ts';
import type { VllmAnswers } from '../vllm/index.ts';
import { pathOf } from './file.ts';
import { get, type Asking } from './http.ts';
import { denied, kindOf, wrongServer } from './kind.ts';
import { listenerOn, processesOf, type Seen } from './processes.ts';

const DEFAULT_PORT = 8000;

/** Asks a vLLM server, with GET only, and looks at its process if it runs here. */
export async function readVllm(url: string, outDir: string, asking: Asking): Promise<VllmAnswers> {
  const [version, models] = await Promise.all([get(url, '/version', asking), get(url, '/v1/models', asking)]);
  if (models.status === 401) throw denied(url, 'VLLM_API_KEY');
  const owner = textOf(mapOf(listOf(mapOf(models.body)['data'])[0])['owned_by']);
  if (owner !== 'vllm' && (await kindOf(url, asking)) !== 'vLLM') throw await wrongServer(url, 'vLLM', asking);
  const seen = isLoopback(new URL(url).host)
    ? listenerOn(Number(new URL(url).port || 80), DEFAULT_PORT, 'VLLM_API_PORT', processesOf(['vllm']))
    : null;
  return { url, version: textOf(mapOf(version.body)['version']), models: models.body, call: seen === null ? null : callOf(seen, outDir) };
}

function callOf({ args, cwd }: Seen, outDir: string): VllmAnswers['call'] {
  const words = args.slice(args.findIndex((word) => programName(word) === 'vllm') + 1);
  return { words: words[0] === 'serve' ? words.slice(1) : words, path: cwd === null ? () => null : pathOf(cwd, outDir) };
}
