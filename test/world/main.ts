// The whole command line, with instances that live in a world (README.md) in the place of llama-server's processes:
// backend NAME of type llama.cpp talks to $LLMOPS_WORLD/NAME. For benches and for tests that record every request.
import { tolerateBrokenPipes } from '../../src/cli/broken-pipe.ts';
import { runCli } from '../../src/cli/index.ts';
import { signals } from '../../src/cli/signals.ts';
import { standIn } from './stand-in.ts';

const { signal, exitCode } = signals(process);
tolerateBrokenPipes([process.stdout, process.stderr]);
process.exitCode = await runCli(
  process.argv.slice(2),
  {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    backends: async () => ({ 'llama.cpp': standIn }),
    signal,
    signalExitCode: exitCode,
    now: () => new Date().toISOString(),
  },
  'test',
);
