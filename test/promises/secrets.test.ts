import { createHash } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installFake } from '../../src/backends/llama.cpp/fake/main.ts';
import { systemProcesses } from '../../src/backends/kit/process-table.ts';
import { takesMinutes } from '../guard/patience.ts';
import { makePlace, weights, type Place } from './stack.ts';

takesMinutes();

/** A part that every secret here contains, and nothing else does. */
const CANARY = 'canary-7f3a9c';

const stack = (context: number, key: string) => `version: 1
name: secretive
allowOutside: true
backends:
  local: { type: llama.cpp, engine: ./llama-server }
  cloud: { type: openai, url: https://api.example.com/v1, apiKey: { env: CLOUD_KEY } }
models:
  chat: { backend: local, source: "file:${weights('Q2_K')}", context: ${context}, options: { apiKey: ${key} } }
`;

const KEYS = { env: '{ env: CHAT_KEY }', file: '{ file: key.txt }', command: '{ command: "cat key.txt" }' };

/** What would give a secret away: itself, in another notation, or enough of a hash to guess at it. */
function tracesOf(secret: string): readonly string[] {
  const hashes = ['md5', 'sha1', 'sha256', 'sha512'].map((name) => createHash(name).update(secret).digest());
  return [
    secret,
    Buffer.from(secret).toString('hex'),
    Buffer.from(secret).toString('base64').slice(0, 16),
    ...hashes.flatMap((hash) => [hash.toString('hex').slice(0, 10), hash.toString('base64').slice(0, 8)]),
  ];
}

/** Every verb that shows or saves something. */
const LOOKS = [
  ['plan', '--replace', 'chat', '--out', 'saved', '--json-into', 'plan.json'],
  ['plan', '--replace', 'chat', '--format', 'markdown'],
  ['status', '--json', '--snapshot', 'seen'],
  ['diff', '--replace', 'chat'],
  ['history', '--json'],
  ['show', '1', '--json'],
  ['logs', 'chat'],
  ['doctor', '--json'],
];

describe('A secret is never shown', () => {
  let place: Place;
  let said = '';

  beforeAll(async () => {
    place = await makePlace({ env: { CHAT_KEY: `sk-${CANARY}`, CLOUD_KEY: CANARY, HF_TOKEN: CANARY, DOCKER_AUTH_CONFIG: CANARY } });
    installFake(place.dir);
    await place.write('key.txt', `${CANARY}-from-file\n`);
  });

  afterAll(async () => {
    await run('down');
    await place.remove();
  });

  async function run(...args: readonly string[]): Promise<number | null> {
    const ended = await place.llmops(args);
    said += `$ ${args.join(' ')}\n${ended.stdout}${ended.stderr}`;
    return ended.code;
  }

  /** Screens, files and command lines: everything that somebody else might read. */
  async function everything(): Promise<string> {
    const files = globSync('**/*', { cwd: place.dir }).filter(
      (file) => file !== 'key.txt' && file !== 'llmops.yaml' && statSync(join(place.dir, file)).isFile(),
    );
    const texts = files.map((file) => `${file}: ${readFileSync(join(place.dir, file), 'latin1')}`);
    const processes = (await systemProcesses().list()).map((process) => process.args.join(' ')).filter((line) => line.includes(place.dir));
    return [said, ...texts, ...processes].join('\n');
  }

  it.each(Object.entries(KEYS))('a key from %s reaches the engine, and no screen, file or command line', async (kind, key) => {
    await place.write('llmops.yaml', stack(kind === 'env' ? 256 : kind === 'file' ? 512 : 768, key));
    expect(await run('apply', '-y'), said).toBe(0);
    const { stdout } = await place.llmops(['status', '--json']);
    const endpoint = (JSON.parse(stdout) as { models: { endpoint: string }[] }).models[0]?.endpoint;
    const without = await fetch(`${endpoint}/v1/completions`, { method: 'POST', body: '{"prompt":"Hi","max_tokens":1}' });
    expect(without.status).toBe(401);
    const looks =
      kind === 'env'
        ? LOOKS
        : [
            ['status', '-o', 'wide'],
            ['show', '1'],
          ];
    for (const args of looks) await run(...args);
    expect(await everything()).not.toContain(CANARY);
  });

  it('nor when it is exchanged, and nothing that was made from it is on record', async () => {
    await place.write('llmops.yaml', stack(512, KEYS.file));
    expect(await run('apply', '-y'), said).toBe(0);
    await place.write('key.txt', `${CANARY}-exchanged\n`);
    await run('plan', '--json', '--out', 'exchanged');
    expect(await run('apply', '-y', '--json'), said).toBe(0);
    for (const args of [['plan'], ['history', '--json'], ['show', '5', '--json'], ['status', '--json']]) await run(...args);
    const texts = await everything();
    expect(said.includes('file:key.txt#2')).toBe(true);
    for (const secret of [CANARY, `sk-${CANARY}`, `${CANARY}-from-file`, `${CANARY}-exchanged`])
      expect(tracesOf(secret).filter((trace) => texts.includes(trace))).toEqual([]);
  });

  it('nor by a file that is wrong: the quoted lines are masked', async () => {
    await place.write('llmops.yaml', stack(256, `"${CANARY}"`).replace('context', 'contxt').replace('https://', `https://user:${CANARY}@`));
    for (const format of ['text', 'sarif', 'github']) expect(await run('validate', '--format', format)).toBe(1);
    expect(await everything()).not.toContain(CANARY);
    await place.write('llmops.yaml', stack(256, KEYS.env));
  });

  it.each([
    [
      'as an address',
      (text: string) => text.replace('models:', `daemon: { git: { remote: "https://bob:${CANARY}@example.com/x" } }\nmodels:`),
    ],
    ['in JSON', (text: string) => text.replace('options: {', `options: { args: [--mcp-servers-json, '{"env":{"T":"${CANARY}"}}'],`)],
  ])('nor where it may not stand %s: the file is refused, and nothing of it is on record', async (_, spoil) => {
    await place.write('llmops.yaml', spoil(stack(512, KEYS.file)));
    for (const verb of ['validate', 'plan', 'status']) expect(await run(verb)).toBe(1);
    expect(await run('apply', '-y')).toBe(1);
    expect(said.includes('secret-literal')).toBe(true);
    expect((await everything()).includes(CANARY)).toBe(false);
    await place.write('llmops.yaml', stack(256, KEYS.env));
  });

  it('nor by a key that cannot be had: the error names the reference', async () => {
    await place.write('llmops.yaml', stack(640, `{ command: "echo ${CANARY} >&2; exit 3" }`));
    expect(await run('apply', '-y')).toBe(1);
    await place.write('llmops.yaml', stack(640, '{ env: NOT_SET }'));
    expect(await run('apply', '-y')).toBe(1);
    expect(said).toContain('NOT_SET');
    await place.write('llmops.yaml', stack(256, KEYS.env));
  });
});
