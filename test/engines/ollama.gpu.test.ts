import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from '../../src/domain/backend.ts';
import type { ModelSpec } from '../../src/domain/desired.ts';
import { io, seen, World } from '../contract/world.ts';
import { userOf, type User } from '../ollama/user.ts';
import { findServer } from './llama-server.ts';
import { realOllama, startOllama, WEIGHTS, type RealOllama } from './ollama-server.ts';
import { freePort } from './real/ports.ts';
import { startProgram, type Program } from './real/program.ts';

// A machine without a GPU: ggml-rpc-server is a device that layers can be offloaded to, and Ollama takes it for a GPU.
const rpcServer = join(dirname(findServer()), 'ggml-rpc-server');

let device: Program;
let variables: Readonly<Record<string, string>>;
let server: RealOllama;
let world: World;
let driver: Driver;
let user: User;

beforeAll(async () => {
  if (!existsSync(rpcServer)) throw new Error(`There is no ${rpcServer}: it comes with llama-server, see scripts/install-engines.sh.`);
  const port = await freePort();
  device = await startProgram(rpcServer, ['-p', String(port)], () => answers(port));
  variables = { LLAMA_ARG_RPC: `127.0.0.1:${port}` };
});
afterAll(() => device.stop());
beforeEach(async () => {
  server = await startOllama(variables);
  world = await World.open({ ...realOllama, server: () => Promise.resolve(server) });
  driver = world.connect();
  user = userOf(server.url);
});
afterEach(() => world.end());

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

const offload = (gpuLayers: ModelSpec['offload']['gpuLayers']) => world.spec({ offload: { gpuLayers, cpuMoeLayers: null, devices: null } });
const onGpu = async () => {
  const [row] = await user.ps();
  return row === undefined ? null : row.size_vram / row.size;
};

describe('Layers on a GPU, read back from the memory that Ollama tells', () => {
  it('all of them: as many bytes there as in all', async () => {
    expect((await world.serve(driver, offload('all'))).loaded).toMatchObject({ 'offload.gpuLayers': 'all' });
    expect(await onGpu()).toBe(1);
  });

  it('more than there are is all of them, and as asked', async () => {
    expect((await world.serve(driver, offload(99))).loaded).toMatchObject({ 'offload.gpuLayers': 99 });
  });

  it('some of them: not all, and how many cannot be told', async () => {
    expect((await world.serve(driver, offload(2))).loaded).toMatchObject({ 'offload.gpuLayers': null });
    expect(await onGpu()).toBeGreaterThan(0);
    expect(await onGpu()).toBeLessThan(1);
  });

  it('none of them is never taken for some: a CPU with AMX counts as a GPU there', async () => {
    const seenNone = await world.serve(driver, offload(0));
    expect([0, null]).toContain(seenNone.loaded?.['offload.gpuLayers']);
    expect(await onGpu()).toBeLessThan(1);
  });

  it('3. a number of layers that is taken away takes an unload: the copy that leaves it open is loaded anew', async () => {
    const [none, open] = [offload(0), offload(null)];
    await world.serve(driver, none);
    const before = await onGpu();
    await world.stop(driver, none, null);
    await world.serve(driver, open);
    expect(before).toBeLessThan(1);
    expect(await onGpu()).toBe(1);
  });

  it('9. a GPU that is lost is seen with the next load: its runner goes on to say that every layer is there', async () => {
    // Of most quantizations a CPU with AMX keeps a copy that Ollama takes for one on a GPU: then nothing can be seen. Of this
    // one it does not.
    const path = join(world.dir, 'desk-Q5_0.gguf');
    execFileSync(join(dirname(findServer()), 'llama-quantize'), ['--pure', join(WEIGHTS, 'desk-F16.gguf'), path, 'Q5_0'], {
      stdio: 'ignore',
    });
    const spec = world.spec({ offload: { gpuLayers: 'all', cpuMoeLayers: null, devices: null } }, path);
    await world.serve(driver, spec);
    await server.restart({});
    await user.post('/api/generate', { model: (await server.copies())[0], stream: false });
    expect(server.log()).toContain('offloaded 5/5 layers to GPU');
    const seenLost = seen(await driver.look(spec.id, io().signal));
    expect(seenLost).toMatchObject({ phase: 'serving', configured: { 'offload.gpuLayers': 'all' }, loaded: { 'offload.gpuLayers': 0 } });
  });
});
