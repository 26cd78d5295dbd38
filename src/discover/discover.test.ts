import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findLlamaServer, findNodeLlamaCpp, findOllama, findVllm, whyNodeLlamaCppFails, type Asking } from './engines.ts';
import { findGpus } from './gpus.ts';
import { discoverMachine } from './index.ts';
import { findProgram } from './program.ts';
import { findWeights } from './weights.ts';

const MIB = 1024 * 1024;

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'llmops-discover-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder that holds programs which are a few lines of shell. */
function programs(scripts: Readonly<Record<string, string>>): Asking {
  const folder = newFolder();
  for (const [name, body] of Object.entries(scripts)) writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return { env: { PATH: folder }, signal: new AbortController().signal, deadlineMs: 20_000 };
}

describe('Programs', () => {
  it('are found on PATH in its order, and only if they can be executed', async () => {
    const [first, second] = [newFolder(), newFolder()];
    writeFileSync(join(first, 'tool'), '', { mode: 0o644 });
    mkdirSync(join(first, 'other'));
    for (const name of ['tool', 'other']) writeFileSync(join(second, name), '#!/bin/sh\n', { mode: 0o755 });
    const env = { PATH: `${first}:${second}` };
    expect(await findProgram('tool', env)).toBe(join(second, 'tool'));
    expect(await findProgram('other', env)).toBe(join(second, 'other'));
  });

  it('are not looked for in relative folders of PATH, nor without a PATH', async () => {
    expect(await findProgram('sh', { PATH: '.:bin' })).toBeNull();
    expect(await findProgram('sh', {})).toBeNull();
  });
});

describe('Engines', () => {
  it('llama-server tells its version on stderr or on stdout', async () => {
    expect(await findLlamaServer(programs({ 'llama-server': 'echo "version: 0.7.0 (build 1, commit x)" >&2' }))).toMatchObject({
      name: 'llama-server',
      version: '0.7.0',
    });
    expect(await findLlamaServer(programs({ 'llama-server': 'echo "version: 0.8.1"' }))).toMatchObject({ version: '0.8.1' });
  });

  it('one that fails to tell its version is there all the same, without one', async () => {
    expect(await findVllm(programs({ vllm: 'exit 3' }))).toMatchObject({ name: 'vllm', version: null });
  });

  it('an absent one is null', async () => {
    expect(await findLlamaServer(programs({}))).toBeNull();
    expect(await findVllm(programs({}))).toBeNull();
  });

  it('Ollama is found by the version it answers, and by nothing else', async () => {
    const asking = programs({});
    const ollama = await served((path) => (path === '/api/version' ? '{"version":"0.34.4"}' : ''));
    const other = await served(() => '<html>hello</html>');
    expect(await findOllama(asking, ollama)).toEqual({ name: 'ollama', at: ollama, version: '0.34.4' });
    expect(await findOllama(asking, other)).toBeNull();
    expect(await findOllama(asking, 'http://127.0.0.1:1')).toBeNull();
  });

  it('node-llama-cpp is found where this repository has it, and really loads', async () => {
    const found = findNodeLlamaCpp();
    expect(found).toMatchObject({ name: 'node-llama-cpp', version: '3.21.1' });
    if (found) expect(await whyNodeLlamaCppFails(found, { ...programs({}), env: process.env })).toBeNull();
  });

  it('a node-llama-cpp that does not load says why', async () => {
    const at = newFolder();
    mkdirSync(join(at, 'dist'));
    writeFileSync(join(at, 'dist', 'index.js'), 'exports.getLlama = async () => { throw new Error("no binary for this processor"); };');
    expect(await whyNodeLlamaCppFails({ name: 'node-llama-cpp', at, version: '1' }, programs({}))).toBe('no binary for this processor');
  });
});

describe('GPUs', () => {
  const linux = { platform: 'linux', arch: 'x64', sys: '/nowhere' } as const;

  it('are read from nvidia-smi, memory in bytes', async () => {
    const asking = programs({ 'nvidia-smi': 'echo "NVIDIA H200, 143771, 143155, 570.124.06"; echo "NVIDIA GB10, [N/A], [N/A], 580.1"' });
    expect(await findGpus(asking, linux)).toEqual({
      gpus: [
        { vendor: 'nvidia', name: 'NVIDIA H200', totalBytes: 143_771 * MIB, freeBytes: 143_155 * MIB, driver: '570.124.06' },
        { vendor: 'nvidia', name: 'NVIDIA GB10', totalBytes: null, freeBytes: null, driver: '580.1' },
      ],
      trouble: null,
    });
  });

  it('a broken driver is told, not taken for "no GPU"', async () => {
    const asking = programs({
      'nvidia-smi': 'echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."; exit 9',
    });
    const { gpus, trouble } = await findGpus(asking, linux);
    expect(gpus).toEqual([]);
    expect(trouble).toContain("couldn't communicate with the NVIDIA driver");
  });

  it('of AMD are read from sysfs', async () => {
    const sys = newFolder();
    const device = join(sys, 'class/drm/card0/device');
    mkdirSync(device, { recursive: true });
    mkdirSync(join(sys, 'class/drm/card1-HDMI-A-1'), { recursive: true });
    for (const [name, value] of Object.entries({ vendor: '0x1002', mem_info_vram_total: '1000', mem_info_vram_used: '400' }))
      writeFileSync(join(device, name), `${value}\n`);
    expect((await findGpus(programs({}), { ...linux, sys })).gpus).toEqual([
      { vendor: 'amd', name: 'AMD GPU (card0)', totalBytes: 1000, freeBytes: 600, driver: 'amdgpu' },
    ]);
  });

  it("are part of Apple's own processors", async () => {
    expect((await findGpus(programs({}), { platform: 'darwin', arch: 'arm64', sys: '' })).gpus).toMatchObject([
      { vendor: 'apple', totalBytes: null },
    ]);
  });
});

/** Writes files below a folder, with the folders that they need. */
const writeFiles = (root: string, names: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(names)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
};

describe('Weights', () => {
  const signal = new AbortController().signal;
  it('are GGUF files here, in models and in examples/models, and nowhere else', async () => {
    const root = newFolder();
    writeFiles(root, {
      'a.gguf': 'GGUF12',
      'models/x/y/z/b.GGUF': 'GGUF',
      'models/x/y/z/deep/no.gguf': 'GGUF',
      'examples/models/c.gguf': 'GGUF',
      'src/no.gguf': 'GGUF',
      'models/.cache/no.gguf': 'GGUF',
    });
    expect(await findWeights(root, signal)).toEqual([
      { path: 'a.gguf', bytes: 6 },
      { path: 'examples/models/c.gguf', bytes: 4 },
      { path: 'models/x/y/z/b.GGUF', bytes: 4 },
    ]);
  });

  it('are neither projectors, nor vocabularies, nor files that only have the name', async () => {
    const root = newFolder();
    writeFiles(root, {
      'mmproj-model-f16.gguf': 'GGUF',
      'ggml-vocab-llama.gguf': 'GGUF',
      'empty.gguf': '',
      'pointer.gguf': 'version https://git-lfs',
      'notes.txt': 'GGUF',
    });
    mkdirSync(join(root, 'folder.gguf'));
    expect(await findWeights(root, signal)).toEqual([]);
  });

  it('in several parts are one model with the size of all, if no part is missing', async () => {
    const root = newFolder();
    writeFiles(root, { 'big-00001-of-00002.gguf': 'GGUF', 'big-00002-of-00002.gguf': 'GGUF1', 'torn-00001-of-00002.gguf': 'GGUF' });
    expect(await findWeights(root, signal)).toEqual([{ path: 'big-00001-of-00002.gguf', bytes: 9 }]);
  });

  it('may be links to files; linked folders are not entered', async () => {
    const [root, store] = [newFolder(), newFolder()];
    writeFiles(store, { blob: 'GGUF', 'in.gguf': 'GGUF' });
    mkdirSync(join(root, 'models'));
    symlinkSync(join(store, 'blob'), join(root, 'models/linked.gguf'));
    symlinkSync(store, join(root, 'models/round'));
    symlinkSync(join(root, 'gone'), join(root, 'models/dangling.gguf'));
    expect(await findWeights(root, signal)).toEqual([{ path: 'models/linked.gguf', bytes: 4 }]);
  });

  it('an unreadable folder counts as empty', async () => {
    const root = newFolder();
    writeFiles(root, { 'models/a.gguf': 'GGUF' });
    chmodSync(join(root, 'models'), 0o000);
    const found = await findWeights(root, signal);
    chmodSync(join(root, 'models'), 0o755);
    expect(found.length).toBe(process.getuid?.() === 0 ? 1 : 0); // root reads everything
  });
});

it('A machine is described without an error, whatever is on it', async () => {
  const machine = await discoverMachine(programs({}));
  expect(machine.host.ramBytes).toBeGreaterThan(0);
  expect(machine.host.availableBytes).toBeLessThanOrEqual(machine.host.ramBytes);
  expect(machine.engines.map((engine) => engine.name)).toContain('node-llama-cpp');
});

/** A zombie that nobody has collected yet does not count. */

async function served(reply: (path: string) => string): Promise<string> {
  const server: Server = createServer((request, response) => response.end(reply(request.url ?? '')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
