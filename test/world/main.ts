// The whole command line, with instances that live in a world (README.md) in the place of llama-server's processes:
// backend NAME of type llama.cpp talks to $LLMOPS_WORLD/NAME. For benches and for tests that record every request.
import type { Backend } from '../../src/domain/backend.ts';
import { backend as llamaCpp } from '../../src/backends/llama.cpp/index.ts';
import { runCli } from '../../src/cli/index.ts';
import { signals } from '../../src/cli/signals.ts';
import { connectWorld } from './driver.ts';

const backend: Backend = {
  ...llamaCpp,
  check: () => [],
  connect: (spec, context) => connectWorld({ ...spec, options: { url: `${context.env['LLMOPS_WORLD']}/${spec.name}`, memory: null } }, context),
};

const { signal, exitCode } = signals(process);
process.exitCode = await runCli(
  process.argv.slice(2),
  {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    backends: async () => ({ 'llama.cpp': backend }),
    signal,
    signalExitCode: exitCode,
    now: () => new Date().toISOString(),
  },
  'test',
);
