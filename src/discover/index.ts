import { cpus, release, totalmem, type as osType } from 'node:os';
import { findLlamaServer, findNodeLlamaCpp, findOllama, findVllm, type Asking, type FoundEngine } from './engines.ts';
import { findGpus, type Gpus } from './gpus.ts';

export { findNodeLlamaCpp, whyNodeLlamaCppFails, type Asking, type FoundEngine } from './engines.ts';
export type { Gpu, Gpus } from './gpus.ts';
export { findWeights, type FoundWeights } from './weights.ts';

/** The machine's own memory and processors. Bytes. */
export interface Host {
  /** `Linux 6.8.0 x64`. */
  readonly system: string;
  readonly cpus: number;
  /** What a process here may use: the machine's memory, or less in a container. */
  readonly ramBytes: number;
  readonly availableBytes: number;
}

/** What this machine can run models with. */
export interface Machine extends Gpus {
  readonly host: Host;
  readonly engines: readonly FoundEngine[];
}

/** Looks at this machine. Never throws: what cannot be looked at is not found. */
export async function discoverMachine(asking: Asking): Promise<Machine> {
  const [llamaServer, ollama, vllm, gpus] = await Promise.all([
    findLlamaServer(asking),
    findOllama(asking),
    findVllm(asking),
    findGpus(asking),
  ]);
  const engines = [llamaServer, findNodeLlamaCpp(), ollama, vllm].filter((engine) => engine !== null);
  return { ...gpus, host: describeHost(), engines };
}

/** Memory and processors of this machine, now. */
export function describeHost(): Host {
  // Without a limit, constrainedMemory is 0 or larger than any machine.
  const limit = process.constrainedMemory();
  const ramBytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return {
    system: `${osType()} ${release()} ${process.arch}`,
    cpus: cpus().length,
    ramBytes,
    availableBytes: Math.min(process.availableMemory(), ramBytes),
  };
}
