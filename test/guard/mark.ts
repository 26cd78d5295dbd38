import { ChildProcess } from 'node:child_process';
import { RUN } from './run.ts';

// Set-up of every test file: whatever its tests start carries the mark of the run in its environment, also where they give it
// one of their own, and hands it on. `spawn`, `fork` and `execFile` all come through this one method.

type Started = { readonly envPairs?: string[] };
type Starting = { spawn(options: Started): unknown };

const starting = ChildProcess.prototype as unknown as Starting;
const spawn = Reflect.get(starting, 'spawn') as Starting['spawn'];
starting.spawn = function marked(this: unknown, options) {
  const mark = `${RUN}=${process.env[RUN] ?? ''}`;
  const others = (options.envPairs ?? []).filter((pair) => !pair.startsWith(`${RUN}=`));
  return Reflect.apply(spawn, this, [{ ...options, envPairs: [...others, mark] }]);
};
