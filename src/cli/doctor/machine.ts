import { discoverMachine, findNodeLlamaCpp, whyNodeLlamaCppFails, type Asking, type Machine } from '../../discover/index.ts';
import { describeEngine, describeGpu, inGiB } from '../machine-words.ts';
import { finding, type Finding } from './check.ts';

/** Less than this is tight for any model that is of use. */
const LITTLE_RAM = 2 * 1024 ** 3;

/** Memory, GPUs, and engines that are seen without asking the stack. `embedded`: the stack relies on node-llama-cpp. */
export async function checkMachine(asking: Asking, embedded: boolean): Promise<{ readonly machine: readonly Finding[]; readonly engines: readonly Finding[] }> {
  const [machine, library] = await Promise.all([discoverMachine(asking), checkLibrary(asking, embedded)]);
  return { machine: [checkMemory(machine), ...checkGpus(machine)], engines: [...checkEngines(machine), library] };
}

function checkMemory({ host }: Machine): Finding {
  const summary = `${host.system}, ${host.cpus} CPUs, ${inGiB(host.ramBytes)} RAM, ${inGiB(host.availableBytes)} of it available`;
  return host.availableBytes < LITTLE_RAM ? finding('memory', 'warn', summary, 'Little memory is left: only small models will load.') : finding('memory', 'ok', summary);
}

function checkGpus({ gpus, trouble }: Machine): readonly Finding[] {
  const found = gpus.map((gpu) => finding('gpu', 'ok', describeGpu(gpu)));
  if (trouble) return [...found, finding('gpu', 'warn', trouble, 'Mend the driver; until then models run on the CPU.')];
  return found.length > 0 ? found : [finding('gpu', 'note', 'No GPU was found: models run on the CPU.')];
}

function checkEngines({ engines }: Machine): readonly Finding[] {
  const others = engines.filter((engine) => engine.name !== 'node-llama-cpp');
  const found = others.map((engine) => finding(engine.name, 'ok', describeEngine(engine)));
  return others.some((engine) => engine.name === 'llama-server') ? found : [...found, finding('llama-server', 'note', 'llama-server is not on PATH.')];
}

/** Loads the library in a process of its own: that it is installed says little. */
async function checkLibrary(asking: Asking, needed: boolean): Promise<Finding> {
  const found = findNodeLlamaCpp();
  if (!found) return finding('node-llama-cpp', needed ? 'fail' : 'note', 'node-llama-cpp is not installed.', needed ? 'Type `npm install node-llama-cpp`: the embedded engine runs on it.' : null);
  const reason = await whyNodeLlamaCppFails(found, { ...asking, deadlineMs: Math.max(asking.deadlineMs, 30_000) });
  if (reason === null) return finding('node-llama-cpp', 'ok', `${describeEngine(found)}, loads`);
  return finding('node-llama-cpp', needed ? 'fail' : 'warn', `${describeEngine(found)} does not load: ${reason}`, 'Install it anew for this platform: `npm install node-llama-cpp`.');
}

