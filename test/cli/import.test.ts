import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveInTest } from '../import/in-test.ts';
import { Answer, ollamaRoutes } from '../import/server.ts';
import { newWorld, type World } from './context.ts';

const written = (world: World, name = 'llmops.yaml'): string => readFileSync(join(world.cwd, name), 'utf8');

const SWAP = 'models:\n  chat: { cmd: "llama-server --port ${PORT} -m models/a.gguf -c 4096" }\n';

/** A world in which this file lies. */
function worldWith(name: string, text: string): World {
  const world = newWorld();
  writeFileSync(join(world.cwd, name), text);
  return world;
}

/** A port on which nothing listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('import ollama', () => {
  it('writes a valid llmops.yaml, says what was taken and what not, and what to type next', async () => {
    const server = await serveInTest(ollamaRoutes(['qwen3:8b', 'llama3.2:latest', 'gpt-oss:120b-cloud']));
    const world = newWorld();
    expect(await world.llmops('import', 'ollama', server.url)).toBe(0);
    expect(written(world)).toContain('source: ollama:qwen3:8b');
    expect(world.stdout.text).toContain(`Read Ollama 0.34.4 at ${server.url}. Nothing was changed there.`);
    expect(world.stdout.text).toContain('Taken over: 2 models on ollama');
    expect(world.stdout.text).toContain('gpt-oss:120b-cloud: it runs in the cloud');
    expect(world.stdout.text).toMatch(/Wrote llmops\.yaml\.\nNext: llmops lock\n$/);
    expect(Math.max(...world.stdout.text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(await world.llmops('validate')).toBe(0);
    expect(await world.llmops('fmt', '--check')).toBe(0);
  });

  it('only reads: it asks with GET, and with POST to /api/show', async () => {
    const server = await serveInTest(ollamaRoutes(['qwen3:8b', 'llama3.2:latest']));
    expect(await newWorld().llmops('import', 'ollama', server.url)).toBe(0);
    expect(server.asked.filter((line) => !/^(GET \S+|POST \/api\/show)$/.test(line))).toEqual([]);
    expect(server.asked.toSorted()).toEqual(['GET /api/ps', 'GET /api/tags', 'GET /api/version', 'POST /api/show', 'POST /api/show']);
  });

  it('asks side by side, and never more than eight questions at once', async () => {
    const server = await serveInTest(ollamaRoutes(Array.from({ length: 40 }, (_, n) => `m${n}:latest`)));
    const world = newWorld();
    expect(await world.llmops('import', 'ollama', server.url)).toBe(0);
    expect(server.mostAtOnce()).toBeGreaterThan(1);
    expect(server.mostAtOnce()).toBeLessThanOrEqual(8);
    expect(world.stdout.text).toContain('40 models');
  });

  it('finds the server where OLLAMA_HOST says, if no address is given', async () => {
    const server = await serveInTest(ollamaRoutes(['qwen3:8b']));
    const world = newWorld({ env: { OLLAMA_HOST: server.url.replace('http://127.0.0.1', '0.0.0.0') } });
    expect(await world.llmops('import', 'ollama')).toBe(0);
    expect(written(world)).toContain(`url: ${server.url}`);
  });

  it('a server that is not there is an error, and nothing is written', async () => {
    const world = newWorld();
    expect(await world.llmops('import', 'ollama', `127.0.0.1:${await deadPort()}`)).toBe(1);
    expect(world.stderr.text).toContain('[import-unreachable]');
    expect(world.stderr.text).toContain('nothing listens there');
    expect(existsSync(join(world.cwd, 'llmops.yaml'))).toBe(false);
  });

  it.each(['ollama', 'llama-server', 'vllm'])('%s: what to type then names that very source', async (source) => {
    const world = newWorld();
    expect(await world.llmops('import', source, `127.0.0.1:${await deadPort()}`)).toBe(1);
    expect(world.stderr.text).toContain(`llmops import ${source} http://HOST:PORT`);
  });

  it('a server of another kind is named, with the command that fits it', async () => {
    const server = await serveInTest({
      '/props': { default_generation_settings: { n_ctx: 1 }, build_info: 'b1' },
      '/v1/models': { data: [{ id: 'x', owned_by: 'llamacpp' }] },
    });
    const world = newWorld();
    expect(await world.llmops('import', 'ollama', server.url)).toBe(1);
    expect(world.stderr.text).toContain(`${server.url} is llama-server, not Ollama.`);
    expect(world.stderr.text).toContain(`Type: llmops import llama-server ${server.url}`);
    expect(server.asked.every((line) => line.startsWith('GET '))).toBe(true);
  });

  it('a server that has no models is an error that says so', async () => {
    const server = await serveInTest(ollamaRoutes([]));
    const world = newWorld();
    expect(await world.llmops('import', 'ollama', server.url)).toBe(1);
    expect(world.stderr.text).toContain('[nothing-to-import]');
    expect(existsSync(join(world.cwd, 'llmops.yaml'))).toBe(false);
  });

  it('an address with a password in it is refused, without showing it', async () => {
    const world = newWorld();
    expect(await world.llmops('import', 'ollama', 'http://me:canary-pass@127.0.0.1:1')).toBe(1);
    expect(world.stderr.text).toContain('[import-address]');
    expect(world.stderr.text).not.toContain('canary');
  });

  it('a server that sends us elsewhere is not followed', async () => {
    const other = await serveInTest(ollamaRoutes(['qwen3:8b']));
    const server = await serveInTest(
      Object.fromEntries(
        ['/api/version', '/api/tags', '/api/ps'].map((path) => [path, new Answer(302, '', { location: other.url + path })]),
      ),
    );
    expect(await newWorld().llmops('import', 'ollama', server.url)).toBe(1);
    expect(other.asked).toEqual([]);
  });
});

describe('import llama-server', () => {
  const props = {
    default_generation_settings: { n_ctx: 2048 },
    total_slots: 2,
    model_path: '/models/a.gguf',
    model_alias: 'chat',
    build_info: 'b1',
  };

  it('takes what it tells, and says that its flags cannot be seen', async () => {
    const server = await serveInTest({ '/props': props, '/v1/models': { data: [{ id: 'chat' }] } });
    const world = newWorld();
    expect(await world.llmops('import', 'llama-server', server.url)).toBe(0);
    expect(written(world)).toMatch(/chat:\n {4}backend: local\n {4}source: file:\/models\/a\.gguf\n {4}context: 2048/);
    expect(world.stdout.text).toContain('its process cannot be read from here');
    expect(world.stdout.text).toMatch(/Next: llmops plan\n$/);
    expect(server.asked.toSorted()).toEqual(['GET /props', 'GET /v1/models']);
  });

  it.skipIf(!existsSync('/proc/self/cmdline'))('reads the words of the process that listens there', async () => {
    const world = newWorld();
    const program = join(world.cwd, 'llama-server');
    const body = `require('http').createServer((q, r) => r.end(JSON.stringify(q.url === '/props' ? ${JSON.stringify(props)} : { data: [] }))).listen(PORT, '127.0.0.1', () => console.log('up'));`;
    const port = await deadPort();
    writeFileSync(program, body.replace('PORT', String(port)));
    const words = [program, '--port', String(port), '-m', 'a.gguf', '-c', '4096', '-np', '2', '-ngl', '99', '--api-key', 'canary-key'];
    const child = spawn(process.execPath, words, { cwd: world.cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill());
    await once(child.stdout, 'data');
    expect(await world.llmops('import', 'llama-server', `:${port}`)).toBe(0);
    expect(written(world)).toMatch(/source: file:a\.gguf\n {4}context: 2048\n {4}parallel: 2\n {4}offload: all/);
    expect(written(world) + world.stdout.text).not.toContain('canary');
    expect(written(world)).toContain(`port: ${port}`); // its clients know it
  });

  it('that wants a key says in which variable to put it, and takes it from there', async () => {
    const guarded = { '/props': new Answer(401, '{}'), '/v1/models': { data: [] } };
    const refusing = await serveInTest(guarded);
    const world = newWorld();
    expect(await world.llmops('import', 'llama-server', refusing.url)).toBe(1);
    expect(world.stderr.text).toContain('Put the key into LLAMA_API_KEY');
    const server = await serveInTest({ '/props': props, '/v1/models': { data: [] } });
    const other = newWorld({ env: { LLAMA_API_KEY: 'canary-key' } });
    expect(await other.llmops('import', 'llama-server', server.url)).toBe(0);
    expect([...server.keys]).toEqual(['Bearer canary-key']);
    expect(written(other) + other.stdout.text).not.toContain('canary');
  });

  it('that is still loading is asked again later', async () => {
    const loading = new Answer(503, '{"error":{"message":"Loading model","code":503}}');
    const server = await serveInTest({ '/props': loading, '/v1/models': loading });
    const world = newWorld();
    expect(await world.llmops('import', 'llama-server', server.url)).toBe(1);
    expect(world.stderr.text).toContain('[import-not-ready]');
  });
});

describe('import vllm', () => {
  it('declares what runs, and says that this version does not act on it', async () => {
    const server = await serveInTest({
      '/version': { version: '0.27.1' },
      '/v1/models': { data: [{ id: 'chat', root: 'Qwen/Qwen3-8B', max_model_len: 8192, owned_by: 'vllm' }] },
    });
    const world = newWorld();
    expect(await world.llmops('import', 'vllm', `${server.url}/v1`)).toBe(0);
    expect(written(world)).toContain('source: hf:Qwen/Qwen3-8B');
    expect(world.stdout.text).toContain('this version does not run or');
    expect(world.stdout.text).toMatch(/Next: llmops validate\n$/);
  });
});

describe("import of another tool's file", () => {
  it('finds the file under its usual name', async () => {
    const world = worldWith('config.yaml', SWAP);
    expect(await world.llmops('import', 'llama-swap')).toBe(0);
    expect(written(world)).toContain('source: file:models/a.gguf');
  });

  it('paths of the file are seen from where llmops.yaml is written', async () => {
    const world = newWorld();
    mkdirSync(join(world.cwd, 'swap'));
    writeFileSync(join(world.cwd, 'swap', 'config.yaml'), SWAP);
    expect(await world.llmops('import', 'llama-swap', 'swap/config.yaml')).toBe(0);
    expect(written(world)).toContain('source: file:swap/models/a.gguf');
  });

  it('reads standard input', async () => {
    const world = newWorld({ stdin: SWAP });
    expect(await world.llmops('import', 'llama-swap', '-', '--stdout')).toBe(0);
    expect(world.stdout.text).toContain('source: file:models/a.gguf');
  });

  it('mistakes in its YAML are shown with their place, and without the text around them', async () => {
    const world = worldWith('config.yaml', 'models:\n  chat:\n    cmd: "canary-open\n  x: [');
    expect(await world.llmops('import', 'llama-swap')).toBe(1);
    expect(world.stderr.text).toMatch(/\[import-yaml\]\n {2}--> config\.yaml:\d+:\d+/);
    expect(world.stderr.text).not.toContain('canary');
  });

  it('a file of another tool is refused by the key that it lacks', async () => {
    const world = worldWith('config.yaml', 'a: 1\n');
    for (const [source, key] of [
      ['llama-swap', 'models'],
      ['compose', 'services'],
      ['litellm', 'model_list'],
    ] as const) {
      expect(await world.llmops('import', source, 'config.yaml')).toBe(1);
      expect(world.stderr.text).toContain(`it has no \`${key}\``);
    }
  });

  it('a file that is not there is an error that says what was looked for', async () => {
    const world = newWorld();
    expect(await world.llmops('import', 'compose')).toBe(1);
    expect(world.stderr.text).toContain('None of compose.yaml, compose.yml');
    expect(await world.llmops('import', 'litellm', 'nowhere.yaml')).toBe(1);
    expect(world.stderr.text).toContain('nowhere.yaml cannot be read: ENOENT');
  });
});

describe('What import does with the result', () => {
  it('never overwrites, and asks nobody before it knows that', async () => {
    const server = await serveInTest(ollamaRoutes(['qwen3:8b']));
    const world = worldWith('llmops.yaml', 'mine\n');
    expect(await world.llmops('import', 'ollama', server.url)).toBe(1);
    expect(world.stderr.text).toContain('[file-exists]');
    expect(world.stderr.text).toContain('--out');
    expect(written(world)).toBe('mine\n');
    expect(server.asked).toEqual([]);
  });

  it('--out and -C say where; the next command is named with them', async () => {
    const world = worldWith('config.yaml', SWAP);
    expect(await world.llmops('import', 'llama-swap', '--out', 'lab.yaml')).toBe(0);
    expect(world.stdout.text).toContain('Next: llmops plan -f lab.yaml');
    expect(written(world, 'lab.yaml')).toContain('version: 1');
  });

  it('--stdout prints the file alone on stdout, the report on stderr, and writes nothing', async () => {
    const world = worldWith('config.yaml', SWAP);
    expect(await world.llmops('import', 'llama-swap', '--stdout')).toBe(0);
    expect(world.stdout.text).toMatch(/^# yaml-language-server: \$schema=\S+\n# Written by `llmops import`/);
    expect(world.stderr.text).toContain('Taken over: 1 model');
    expect(existsSync(join(world.cwd, 'llmops.yaml'))).toBe(false);
  });

  it('--dry-run writes nothing and says what it would', async () => {
    const world = worldWith('config.yaml', SWAP);
    expect(await world.llmops('import', 'llama-swap', '--dry-run')).toBe(0);
    expect(world.stdout.text).toContain('Nothing was written.');
    expect(existsSync(join(world.cwd, 'llmops.yaml'))).toBe(false);
  });

  it('--json tells programs the same', async () => {
    const world = worldWith('config.yaml', SWAP);
    expect(await world.llmops('import', 'llama-swap', '--json')).toBe(0);
    expect(JSON.parse(world.stdout.text)).toMatchObject({
      formatVersion: '1.0',
      models: [{ name: 'chat', original: 'chat', backend: 'llama.cpp', source: 'file:models/a.gguf' }],
      notCarried: [{ what: 'loading on demand' }],
      file: 'llmops.yaml',
      written: true,
      next: 'llmops plan',
    });
  });

  it('a name and a text that would move a terminal are written out', async () => {
    const server = await serveInTest(ollamaRoutes(['evil\u001b[2J:latest']));
    const world = newWorld();
    await world.llmops('import', 'ollama', server.url);
    expect(world.stdout.text + world.stderr.text).not.toContain('\u001b');
    if (existsSync(join(world.cwd, 'llmops.yaml'))) expect(written(world)).not.toContain('\u001b');
  });
});
