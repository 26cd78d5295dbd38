import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Path of the real program. Without it the tests here prove nothing, so they fail. */
export function findServer(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'llama-server'));
  const found = [process.env['LLMOPS_LLAMA_SERVER'] ?? '', ...folders].find((path) => path !== '' && existsSync(path));
  if (found === undefined)
    throw new Error('There is no llama-server: set LLMOPS_LLAMA_SERVER to its path, or run `npm run test:engines`, which installs one.');
  return found;
}
