import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findServer } from './llama-server.ts';
import { TRIAGED, triage } from './real/clients.ts';
import { freePort } from './real/ports.ts';
import { valueOf } from './real/proc.ts';
import { startProgram, type Program } from './real/program.ts';
import { flat, makeRig, type Rig } from './real/rig.ts';

// A machine without a GPU: ggml-rpc-server is a device that layers can be offloaded to.
const rpcServer = join(dirname(findServer()), 'ggml-rpc-server');

let rig: Rig;
let device: Program;
let backend: string;
beforeAll(async () => {
  if (!existsSync(rpcServer)) throw new Error(`There is no ${rpcServer}: it comes with llama-server, see scripts/install-engines.sh.`);
  const port = await freePort();
  device = await startProgram(rpcServer, ['-p', String(port)], () => answers(port));
  backend = `{ type: llama.cpp, engine: ${findServer()}, rpc: ['127.0.0.1:${port}'] }`;
  rig = await makeRig();
});
afterAll(async () => {
  await rig.end();
  await device.stop();
});

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

async function layersInStatus(): Promise<unknown> {
  const status = JSON.parse(await rig.ok('status', '--json')) as {
    readonly models: readonly {
      readonly settings: readonly { readonly field: string; readonly desired: unknown; readonly loaded?: unknown }[];
    }[];
  };
  return status.models[0]?.settings.find(({ field }) => field === 'offload.gpuLayers');
}

const declare = (offload: string) => rig.declare({ desk: `source: file:desk-F16.gguf, context: 512, offload: ${offload}` }, backend);

describe('Layers on a device', () => {
  it.each([
    { offload: 'all', words: 'all', inLog: 'offloaded 5/5 layers to GPU', loaded: 'all' },
    { offload: 'none', words: '0', inLog: 'offloaded 0/5 layers to GPU', loaded: 0 },
    { offload: '{ gpuLayers: 2 }', words: '2', inLog: 'offloaded 2/5 layers to GPU', loaded: 2 },
  ])(
    'offload: $offload is what the engine is told, what its log says, and what status shows as loaded',
    async ({ offload, words, inLog, loaded }) => {
      await declare(offload);
      await rig.ok('apply', '-y');
      expect(valueOf(rig.engine().args, '--gpu-layers')).toBe(words);
      expect(await rig.ok('logs', '-n', '10000', 'desk')).toContain(inLog);
      expect(await layersInStatus()).toMatchObject({ desired: loaded, configured: loaded, loaded });
      expect(await triage(rig.endpoint()?.url ?? '')).toEqual(TRIAGED);
      expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
    },
  );

  it('a changed number of layers restarts the model and names the line; the device has one client at a time, so the old copy ends first', async () => {
    const { pid } = rig.engine();
    await declare('{ gpuLayers: 3 }');
    const plan = flat(await rig.ok('plan'));
    expect(plan).toMatch(/offload\.gpuLayers 2 → 3 \S*llmops\.yaml:\d+ # forces restart/);
    expect(plan).toContain('old before new (an rpc-server serves one copy at a time, and the next one would wait for it');
    await rig.ok('apply', '-y');
    expect(rig.engine().pid).not.toBe(pid);
    expect(await layersInStatus()).toMatchObject({ loaded: 3 });
  });

  it('a device that is gone is named, and nothing is left that waits for it', async () => {
    await rig.ok('down', '-y');
    const nobody = `127.0.0.1:${await freePort()}`;
    await rig.declare(
      { desk: 'source: file:desk-F16.gguf, context: 512, offload: all' },
      `{ type: llama.cpp, engine: ${findServer()}, rpc: ['${nobody}'] }`,
    );
    const applied = await rig.llmops('apply', '-y');
    expect(applied.code).toBe(1);
    expect(applied.stdout + applied.stderr).toContain(nobody);
    expect(rig.processes()).toEqual([]);
  });
});
