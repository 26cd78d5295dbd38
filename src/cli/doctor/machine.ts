import { discoverMachine, findNodeLlamaCpp, whyNodeLlamaCppFails, type Asking, type Machine } from '../../discover/index.ts';
import { describeEngine, describeGpu, inGiB } from '../machine-words.ts';
import { finding, type Finding } from './check.ts';

/** Less than this is tight for any model that is of use. */
const LITTLE_RAM = 2 * 1024 ** 3;

/** Loading reads 100 MB from a disk that may be slow. */
const LOADING_MS = 30_000;

/** Memory, GPUs, and engines that are seen without asking the stack. `embedded`: node-llama-cpp is relied upon. */
export async function checkMachine(
  asking: Asking,
  embedded: boolean,
): Promise<{ readonly machine: readonly Finding[]; readonly engines: readonly Finding[] }> {
  const [machine, library] = await Promise.all([discoverMachine(asking), checkLibrary(asking, embedded)]);
  return { machine: [checkMemory(machine), ...checkGpus(machine)], engines: [...checkEngines(machine), library] };
}

function checkMemory({ host }: Machine): Finding {
  const summary = `${host.system}, ${host.cpus} CPUs, ${inGiB(host.ramBytes)} RAM, ${inGiB(host.availableBytes)} of it available`;
  return host.availableBytes < LITTLE_RAM
    ? finding('memory', 'warn', summary, 'Little memory is left: only small models will load.')
    : finding('memory', 'ok', summary);
}

function checkGpus({ gpus, trouble }: Machine): readonly Finding[] {
  const found = gpus.map((gpu) => finding('gpu', 'ok', describeGpu(gpu)));
  if (trouble) return [...found, finding('gpu', 'warn', trouble, 'Mend the driver; until then models run on the CPU.')];
  return found.length > 0 ? found : [finding('gpu', 'note', 'No GPU was found: models run on the CPU.')];
}

function checkEngines({ engines }: Machine): readonly Finding[] {
  const others = engines.filter((engine) => engine.name !== 'node-llama-cpp');
  const found = others.map((engine) => finding(engine.name, 'ok', describeEngine(engine)));
  return others.some((engine) => engine.name === 'llama-server')
    ? found
    : [...found, finding('llama-server', 'note', 'llama-server is not on PATH.')];
}

/** Where it is needed the library is loaded, in a process of its own: that it is installed says little. */
async function checkLibrary(asking: Asking, needed: boolean): Promise<Finding> {
  const found = findNodeLlamaCpp();
  const install = 'Type `npm install node-llama-cpp`: the embedded engine runs on it.';
  if (!found)
    return needed
      ? finding('node-llama-cpp', 'fail', 'node-llama-cpp is not installed.', install)
      : finding('node-llama-cpp', 'note', 'node-llama-cpp is not installed, and not needed here.');
  if (!needed) return finding('node-llama-cpp', 'ok', `${describeEngine(found)}, not needed here`);
  const reason = await whyNodeLlamaCppFails(found, { ...asking, deadlineMs: LOADING_MS });
  if (reason === null) return finding('node-llama-cpp', 'ok', `${describeEngine(found)}, loads`);
  return finding(
    'node-llama-cpp',
    'fail',
    `${describeEngine(found)} does not load: ${reason}`,
    'Install it anew for this platform: `npm install node-llama-cpp`.',
  );
}
