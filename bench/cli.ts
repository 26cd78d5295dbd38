import { join } from 'node:path';
import { inTurn, runOnce, summary } from './measure.ts';

const root = join(import.meta.dirname, '..');
const llmops = join(root, 'bin/llmops');

/** Cold starts: `--help` (bound: 150 ms) and `validate` of the root file (bound: 250 ms), beside an empty Node program. */
export async function run(): Promise<void> {
  const runs = await inTurn(15, {
    'node -e 0': () => runOnce(process.execPath, ['-e', '0']),
    'llmops --help': () => runOnce(llmops, ['--help']),
    'llmops validate': () => runOnce(llmops, ['-C', root, 'validate']),
  });
  for (const [name, results] of Object.entries(runs)) process.stdout.write(`${name.padEnd(18)} ${summary(results)}\n`);
}
