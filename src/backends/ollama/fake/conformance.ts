import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { World, type Conformance, type EngineServer } from '../../../../test/contract/world.ts';
import { backend } from '../index.ts';
import { FakeOllama } from './server.ts';
import { writeFakeWeights } from './weights.ts';

/** Cases of the suite that cannot hold for Ollama, each with its reason. */
export const SKIPPED: Readonly<Record<string, string>> = {
  'a machine that does not list its processes is unreachable, never reachable and empty':
    'nothing is looked for among processes; that a silent server is unreachable is a test of its own',
  'an instance that was killed is failed, with a reason and its log':
    'Ollama hides the end of a runner: it stays on the list, and the next request starts it anew',
  'an instance that hangs is unknown, never taken for gone': 'all copies are behind one server: if that hangs, the backend is unreachable',
  'a process that got the number of a dead instance is not taken for it': 'no process is known by its number',
  'an instance that crashed is started anew by the next start': 'Ollama starts runners anew by itself',
  'a start that fails says why, quotes the log and names it':
    'the log is on the side of the server; what it said is quoted, which is a test of its own',
  'draining waits for a stream in flight':
    'Ollama does not tell how many requests it works on; its unload waits for them, which is a test of its own',
  'draining that passes its deadline says what will be cut, and is no failure': 'Ollama cuts nothing, and tells no number',
  'an instance with a request in flight says so': 'Ollama does not tell how many requests it works on',
  'draining ends when it is cancelled':
    'an idle copy is out of memory before anybody can cancel; with a request in flight it is a test of its own',
};

/** What the suite has to know of Ollama, whoever plays it. */
export const OLLAMA = {
  backend,
  backendOptions: {},
  model: { offload: { gpuLayers: 0, cpuMoeLayers: null, devices: null }, options: { threads: 1 } },
  tells: ['digest', 'context', 'offload.gpuLayers', 'options.threads'],
  healthPath: '/',
  skip: SKIPPED,
} satisfies Partial<Conformance>;

/** The suite, played by the fake. */
export const fakeConformance: Conformance = {
  ...OLLAMA,
  name: 'ollama (fake)',
  server: async () => serverOf(await FakeOllama.start()),
  weights: (dir) => writeFakeWeights(join(dir, 'chat.gguf')),
  otherWeights: (dir) => writeFakeWeights(join(dir, 'other.gguf'), { salt: 'other' }),
  damagedWeights(dir) {
    const path = join(dir, 'damaged.gguf');
    return existsSync(path) ? path : writeFakeWeights(path, { architecture: 'llamx' });
  },
};

/** A fake as the suite's server. */
export function serverOf(fake: FakeOllama): EngineServer {
  let resume: () => void = () => undefined;
  return {
    options: { url: fake.url },
    copies: () => Promise.resolve(fake.copies()),
    pause: () => void (fake.faults.hold = new Promise((done) => (resume = done))),
    resume: () => resume(),
    end: () => fake.end(),
  };
}

/** A world around a fake that the test holds in its hands. */
export async function worldOn(fake: FakeOllama, change: Partial<Conformance> = {}): Promise<World> {
  return World.open({ ...fakeConformance, server: () => Promise.resolve(serverOf(fake)), ...change });
}
