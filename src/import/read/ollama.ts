import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { isLoopback } from '../../domain/http.ts';
import { listOf, mapOf, textOf } from '../json.ts';
import type { OllamaAnswers } from '../ollama/index.ts';
import { get, question, type Asking } from './http.ts';
import { denied, wrongServer } from './kind.ts';

/** Questions at once: one model's answer is slow on the server's disk, and a server has other clients. */
const LANES = 8;

/** Asks an Ollama server for everything that it has. GET and POST /api/show only: nothing is loaded, nothing is changed. */
export async function readOllama(url: string, asking: Asking): Promise<OllamaAnswers> {
  const version = await get(url, '/api/version', asking);
  if (version.status === 401 || version.status === 403) throw denied(url, null);
  const known = textOf(mapOf(version.body)['version']);
  if (known === null) throw await wrongServer(url, 'Ollama', asking);
  const [tags, ps] = await Promise.all([get(url, '/api/tags', asking), get(url, '/api/ps', asking)]);
  if (!Array.isArray(mapOf(tags.body)['models'])) throw await wrongServer(url, 'Ollama', asking);
  const names = listOf(mapOf(tags.body)['models']).map((row) => textOf(mapOf(row)['name']) ?? textOf(mapOf(row)['model']));
  const shown = await showAll(
    url,
    names.filter((name) => name !== null),
    asking,
  );
  return {
    url,
    version: known,
    tags: tags.body,
    ps: ps.body,
    shown,
    readable: isLoopback(new URL(url).host) ? await readableBlobs(shown) : new Set(),
  };
}

async function showAll(url: string, names: readonly string[], asking: Asking): Promise<ReadonlyMap<string, unknown>> {
  const shown = new Map<string, unknown>();
  const waiting = [...names];
  const lane = async (): Promise<void> => {
    for (let model = waiting.shift(); model !== undefined; model = waiting.shift()) {
      const answer = await question(url, '/api/show', { model }, asking);
      shown.set(model, answer.status === 200 ? answer.body : null);
    }
  };
  await Promise.all(Array.from({ length: Math.min(LANES, names.length) }, lane));
  return shown;
}

/** Blobs of models whose only source may be this machine's disk. Ollama as a service keeps them to itself. */
async function readableBlobs(shown: ReadonlyMap<string, unknown>): Promise<ReadonlySet<string>> {
  const paths = [...shown.values()].flatMap((answer) => {
    const path = /^FROM\s+(\/\S.*?)\s*$/m.exec(textOf(mapOf(answer)['modelfile']) ?? '')?.[1];
    return path === undefined ? [] : [path];
  });
  const checked = await Promise.all(
    [...new Set(paths)].map((path) =>
      access(path, constants.R_OK).then(
        () => [path],
        () => [],
      ),
    ),
  );
  return new Set(checked.flat());
}
