import { basename } from 'node:path';
import { isLoopback } from '../../domain/http.ts';
import { ProblemError } from '../../domain/problem.ts';
import type { LlamaCall } from '../llama/index.ts';
import type { LlamaAnswers } from '../llama/running.ts';
import { mapOf, textOf } from '../json.ts';
import { pathOf } from './file.ts';
import { get, type Answer, type Asking } from './http.ts';
import { denied, wrongServer } from './kind.ts';
import { listenerOn, processesOf, type Seen } from './processes.ts';

const PROGRAM = 'llama-server';
const DEFAULT_PORT = 8080;
/** Stands in the environment of what llmops started. */
const OURS = 'LLMOPS_INSTANCE';

/** Asks a llama-server, with GET only, and looks at its process if it runs here. */
export async function readLlamaServer(url: string, outDir: string, asking: Asking): Promise<LlamaAnswers> {
  const [props, models] = await Promise.all([get(url, '/props', asking), get(url, '/v1/models', asking)]);
  if ([props, models].some(({ status }) => status === 401)) throw denied(url, 'LLAMA_API_KEY');
  if (isLoading(props)) throw stillLoading(url);
  const isRouter = 'role' in mapOf(props.body) && textOf(mapOf(props.body)['role']) === 'router';
  if (!('default_generation_settings' in mapOf(props.body)) && !isRouter) throw await wrongServer(url, 'llama-server', asking);
  const seen = isLoopback(new URL(url).host)
    ? listenerOn(Number(new URL(url).port || 80), DEFAULT_PORT, 'LLAMA_ARG_PORT', processesOf([PROGRAM]))
    : null;
  if (seen?.env[OURS] !== undefined) throw ours(url);
  return {
    url,
    props: props.body,
    models: models.body,
    call: seen === null ? null : callOf(seen, outDir),
    program: seen?.program != null && basename(seen.program) === PROGRAM ? seen.program : null,
  };
}

function callOf({ args, env, cwd }: Seen, outDir: string): LlamaCall {
  const at = args.findIndex((word) => basename(word) === PROGRAM);
  return { words: args.slice(at + 1), env, path: cwd === null ? () => null : pathOf(cwd, outDir) };
}

function isLoading({ status, text }: Answer): boolean {
  return status === 503 && /loading model/i.test(text);
}

function stillLoading(url: string): ProblemError {
  return new ProblemError({
    code: 'import-not-ready',
    summary: `${url} is still loading its model and tells nothing yet. Nothing was written.`,
    fix: 'Try again when it has loaded.',
  });
}

function ours(url: string): ProblemError {
  return new ProblemError({
    code: 'import-own',
    summary: `The llama-server at ${url} was started by llmops. Nothing was written.`,
    fix: 'The llmops.yaml that declares it is the one to change: llmops status',
  });
}
