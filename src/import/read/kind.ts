import { ProblemError } from '../../domain/problem.ts';
import { listOf, mapOf, textOf } from '../json.ts';
import { get, type Answer, type Asking } from './http.ts';

/** Servers that can be told apart by what they answer. */
export type ServerKind =
  | 'Ollama'
  | 'llama-server'
  | 'vLLM'
  | 'llama-swap'
  | 'LiteLLM'
  | 'an OpenAI-compatible server'
  | 'no server of models';

/** Which source imports from which kind. */
const SOURCES: Partial<Record<ServerKind, string>> = { Ollama: 'ollama', 'llama-server': 'llama-server', vLLM: 'vllm' };

/** Finds out what listens at an address. Asks with GET only. */
export async function kindOf(url: string, asking: Asking): Promise<ServerKind> {
  const [version, plainVersion, props, models, running, readiness] = (await Promise.all(
    ['/api/version', '/version', '/props', '/v1/models', '/running', '/health/readiness'].map((path) => get(url, path, asking)),
  )) as [Answer, Answer, Answer, Answer, Answer, Answer];
  const owner = textOf(mapOf(listOf(mapOf(models.body)['data'])[0])['owned_by']);
  if (Array.isArray(mapOf(running.body)['running']) || owner === 'llama-swap') return 'llama-swap';
  if ('litellm_version' in mapOf(readiness.body)) return 'LiteLLM';
  if (owner === 'vllm' || (textOf(mapOf(plainVersion.body)['version']) !== null && textOf(mapOf(version.body)['version']) === null))
    return 'vLLM';
  if (isLlama(props) || owner === 'llamacpp') return 'llama-server';
  if (textOf(mapOf(version.body)['version']) !== null) return 'Ollama';
  return Array.isArray(mapOf(models.body)['data']) ? 'an OpenAI-compatible server' : 'no server of models';
}

function isLlama({ body, status }: Answer): boolean {
  const message = textOf(mapOf(mapOf(body)['error'])['message']) ?? '';
  return 'default_generation_settings' in mapOf(body) || 'build_info' in mapOf(body) || (status === 503 && /loading model/i.test(message));
}

/** `import-wrong-server`, with what is there instead. */
export async function wrongServer(url: string, wanted: ServerKind, asking: Asking): Promise<ProblemError> {
  const found = await kindOf(url, asking);
  const source = SOURCES[found];
  return new ProblemError({
    code: 'import-wrong-server',
    summary: `${url} is ${found === wanted ? `${wanted}, and does not answer as one` : `${found}, not ${wanted}`}. Nothing was written.`,
    fix: source === undefined || found === wanted ? `Name the address of ${wanted}.` : `Type: llmops import ${source} ${url}`,
  });
}

/** `import-denied`: the server wants a key. */
export function denied(url: string, variable: string | null): ProblemError {
  return new ProblemError({
    code: 'import-denied',
    summary: `${url} wants a key. Nothing was written.`,
    fix: variable === null ? 'Ask it past the proxy that wants the key.' : `Put the key into ${variable} and try again.`,
  });
}
