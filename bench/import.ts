import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ollamaRoutes, serve } from '../test/import/server.ts';
import { inTurn, median, runOnce, summary } from './measure.ts';

const MODELS = 200;
const ROUNDS = 5;
/** Characters of a licence: most of what /api/show answers. */
const LICENCE = 11_000;
const TARGET_MS = 2000;

/** `llmops import ollama` of 200 models from a server on loopback, beside the same of one model: the start-up of the command. */
export async function run(): Promise<void> {
  const names = Array.from({ length: MODELS }, (_, n) => `model${n}:8b`);
  const [many, one] = await Promise.all([serve(ollamaRoutes(names, LICENCE)), serve(ollamaRoutes(names.slice(0, 1), LICENCE))]);
  const dir = await mkdtemp(join(tmpdir(), 'llmops-bench-import-'));
  const llmops = (url: string) =>
    runOnce(process.execPath, [join(import.meta.dirname, '../src/main.ts'), 'import', 'ollama', url, '--stdout'], { cwd: dir });
  const runs = await inTurn(ROUNDS, { [`${MODELS} models`]: () => llmops(many.url), '1 model': () => llmops(one.url) });
  for (const [name, results] of Object.entries(runs)) process.stdout.write(`${name.padEnd(32)} ${summary(results)}\n`);
  const ms = median((runs[`${MODELS} models`] ?? []).map((result) => result.ms));
  process.stdout.write(
    `most questions at once: ${many.mostAtOnce()} · ${MODELS} models in ${(ms / 1000).toFixed(2)} s (target: less than ${TARGET_MS / 1000} s)\n`,
  );
  await Promise.all([many.close(), one.close(), rm(dir, { recursive: true, force: true })]);
}
