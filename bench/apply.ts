import { median } from './measure.ts';
import { worldStack } from './world-stack.ts';

const START_MS = 3000;
const PROBE_MS = 3000;
const ROUNDS = 3;

/**
 * What orchestration adds: wall time of a run from its first step to its last, over the engine's own time on the critical
 * path (a fake engine that takes 3 s to start and 3 s to answer first). Four models on each of ten backends, all at once.
 */
export async function run(): Promise<void> {
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const stack = await worldStack(40, 10, { startMs: START_MS, probeMs: PROBE_MS });
    const { stdout, ms: whole } = await stack.llmops(['apply', '-y', '--json', '--parallelism', '40']);
    const finished = stdout
      .split('\n')
      .map(parse)
      .find((record) => record?.type === 'run.finished');
    const engine = START_MS + PROBE_MS;
    ratios.push((finished?.ms ?? Number.NaN) / engine);
    process.stdout.write(
      `run ${finished?.ms?.toFixed(0)} ms, engine's own ${engine} ms on the critical path, whole command ${whole.toFixed(0)} ms\n`,
    );
    await stack.remove();
  }
  process.stdout.write(`overhead, median of ${ROUNDS}: ${median(ratios).toFixed(3)} (bound 1.05)\n`);
}

function parse(line: string): { readonly type: string; readonly ms?: number } | null {
  return line === '' ? null : (JSON.parse(line) as { type: string; ms?: number });
}
