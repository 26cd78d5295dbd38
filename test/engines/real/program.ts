import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { until } from './proc.ts';

/** A program of somebody else: started by a test and not by llmops. */
export interface Program {
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a program without a mark, and waits until it answers on a port of loopback. */
export async function startProgram(file: string, args: readonly string[], isUp: () => Promise<boolean>): Promise<Program> {
  const child: ChildProcess = spawn(file, args, { stdio: 'ignore' });
  const gone = once(child, 'exit');
  let ended = false;
  void gone.then(() => (ended = true));
  await until(async () => {
    if (ended) throw new Error(`${file} ${args.join(' ')} ended`);
    return isUp().catch(() => false);
  });
  return {
    pid: child.pid as number,
    async stop() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
