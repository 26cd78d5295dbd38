import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject, ModelSpec } from '../../domain/desired.ts';
import type { SecretSight } from '../../domain/secret.ts';
import { createProcessDriver } from './driver.ts';
import type { ProcessEngine } from './engine.ts';
import { encodeMarker, stackIdOf } from './marker.ts';
import type { ProcessEntry } from './process-table.ts';
import { isReference } from '../../secrets/reference.ts';
import { readSecret } from '../../secrets/index.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'llmops-secrets-'));
  writeFileSync(join(dir, 'key.txt'), 'right\nsecond line\n');
  writeFileSync(join(dir, 'empty.txt'), '\n');
  writeFileSync(join(dir, 'nul.txt'), 'canary\0\n');
  writeFileSync(join(dir, 'long.txt'), 'x'.repeat(100_000));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const engine: ProcessEngine = {
  type: 'test',
  detect: async () => ({ status: 'present', at: '/nowhere/engine', version: '1', capabilities: [] }),
  command: () => ({ file: '/nowhere/engine', args: [], env: {} }),
  configured: () => ({}),
  loaded: async () => ({ fields: {}, activeRequests: null }),
  requests: () => Promise.resolve(null),
  explain: () => ({ severity: 'error', code: 'engine-ended', summary: 'It ended.' }),
  secrets: ({ apiKey }) => (isReference(apiKey) ? [{ field: 'options.apiKey', what: 'API key', reference: apiKey, variable: 'KEY' }] : []),
};

/** A process of the model with this key in its environment. */
function running(id: string, key: string | undefined): ProcessEntry {
  const told = { stack: 'shop', type: 'test', backend: 'local', model: 'chat', id, specHash: id, digest: 'aa', port: 1, logFile: '/x' };
  const marker = encodeMarker({ v: 1, stackId: stackIdOf(dir), ...told });
  const env = () => (key === undefined ? {} : { KEY: key });
  return {
    pid: id.length,
    parent: 1,
    group: id.length,
    started: '1',
    startedAt: null,
    args: ['engine'],
    marker,
    env,
    memoryBytes: () => null,
  };
}

/** What the driver tells of the key of `chat`. */
async function look(reference: JsonObject, processes: readonly ProcessEntry[] = []): Promise<SecretSight | undefined> {
  const spec = { name: 'local', type: 'test', reserve: { vramBytes: 0, ramBytes: 0 }, options: {} };
  const context = { stack: 'shop', stateDir: dir, cacheDir: dir, baseDir: dir, env: { SET: 'right', EMPTY: '' } };
  const table = { list: async () => processes, get: async () => null };
  const driver = createProcessDriver(() => engine, spec, context, { table });
  const sights = await driver.secrets?.([{ name: 'chat', options: { apiKey: reference } } as unknown as ModelSpec]);
  expect(JSON.stringify(sights)).not.toMatch(/right|canary/);
  return sights?.['chat']?.[0];
}

describe('A secret that is looked at', () => {
  it.each([
    [{ env: 'SET', file: null, command: null }, 'env:SET'],
    [{ env: null, file: 'key.txt', command: null }, 'file:key.txt'],
  ])('is compared with what copies were given, and not shown: %j', async (reference, text) => {
    const copies = [running('a', 'right'), running('bb', 'former'), running('ccc', undefined)];
    expect(await look(reference, copies)).toEqual({
      field: 'options.apiKey',
      reference: text,
      status: 'held',
      problem: null,
      same: ['a'],
      other: ['bb'],
    });
  });

  it.each([
    [{ env: 'UNSET' }, 'env:UNSET: it is not set', 'Set UNSET where llmops is called'],
    [{ env: 'EMPTY' }, 'env:EMPTY: it is empty', 'Set EMPTY where llmops is called'],
    [{ file: 'none.txt' }, 'file:none.txt: there is no such file', 'Write it into the first line of none.txt'],
    [{ file: 'empty.txt' }, 'file:empty.txt: it is empty', 'first line of empty.txt'],
    [{ file: '.' }, 'file:.: it is a folder', 'first line of .'],
    [{ file: 'nul.txt' }, 'file:nul.txt: it holds characters that a key cannot have', 'models.chat.options.apiKey'],
    [{ file: 'long.txt' }, 'file:long.txt: it is larger than a secret can be', 'models.chat.options.apiKey'],
  ])('and cannot be had is told of by its reference, with the reason: %j', async (reference, why, how) => {
    const problem = {
      severity: 'error',
      code: 'secret-unavailable',
      summary: `The API key of chat cannot be had from ${why}.`,
      fix: expect.stringContaining(how),
    };
    expect(await look(reference)).toMatchObject({ status: 'missing', problem, same: [], other: [] });
  });

  it.each([
    ['exit 3', 'its command ended with exit code 3'],
    ['yes', 'its command wrote more than a secret can be'],
    ['kill -9 $$', 'its command could not be run'],
  ])('and its command fails, is told of with the way in which it failed: %s', async (command, why) => {
    const context = { stack: 'shop', stateDir: dir, cacheDir: dir, baseDir: dir, env: { PATH: '/bin:/usr/bin' } };
    const asked = readSecret({ command }, { what: 'key', setting: 'key' }, context, new AbortController().signal);
    await expect(asked).rejects.toThrow(`The key cannot be had from command:${command}: ${why}.`);
  });

  it('is not asked for where that would run a command', async () => {
    const ran = join(dir, 'ran.txt');
    expect(await look({ command: `touch ${ran}` })).toMatchObject({ status: 'unasked', problem: null });
    expect(() => rmSync(ran)).toThrow('ENOENT');
  });
});
