import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { claimed } from './claim.ts';

const dir = mkdtempSync(join(tmpdir(), 'llmops-claim-'));
writeFileSync(join(dir, 'chat.jinja'), 'a template');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const ENV = { HOME: '/root' };
const of = (words: string, env: Readonly<Record<string, string>> = ENV) =>
  claimed({ args: ['/usr/bin/llama-server', ...words.split(' ')], env, folder: dir });

describe("Somebody else's llama-server, from its own words", () => {
  it('is read with short flags, joined values and relative paths as if llmops had written them', () => {
    expect(of('-m chat.gguf -c 8192 -np 2 -ngl 99 -fa -ctk q8_0 -ctv q8_0 --port=9000 --alias chat,other')).toMatchObject({
      path: join(dir, 'chat.gguf'),
      name: 'chat',
      port: 9000,
      obstacle: null,
      warning: null,
      configured: {
        context: 4096,
        parallel: 2,
        kvCache: 'q8_0',
        'offload.gpuLayers': 'all',
        'options.flashAttention': 'on',
        'options.port': 9000,
        'options.metrics': false,
        'options.args': null,
      },
    });
  });

  it('keeps what no key speaks of, and leaves out what is no setting of the model', () => {
    const { configured } = of('-m a.gguf --seed 3 -v --log-file /tmp/l --rope-scaling yarn')!;
    expect(configured['options.args']).toBe('--seed 3 --rope-scaling yarn');
  });

  it('tells a template by its text, as llmops.yaml is told apart', () => {
    const { configured } = of('-m a.gguf --jinja --chat-template-file chat.jinja')!;
    expect(configured['chatTemplate']).toMatch(/^[0-9a-f]{64}$/);
    expect(of('-m a.gguf --chat-template-file gone.jinja')!.configured['chatTemplate']).toBe('file:gone.jinja');
  });

  it('fetched its weights by itself: the server has to tell which', () => {
    expect(of('-hf ggml-org/tiny:Q8_0 -c 512')).toMatchObject({ path: null, configured: { context: 512, 'options.args': null } });
  });

  it('listens on 8080 if it was not told, and on loopback alone once llmops has started it anew', () => {
    expect(of('-m a.gguf')!.port).toBe(8080);
    expect(of('-m a.gguf --host 0.0.0.0')!.warning).toContain('0.0.0.0');
    expect(of('-m a.gguf --host 127.0.0.1')!.warning).toBeNull();
    expect(of('-m a.gguf --host ::')).toMatchObject({ obstacle: null, warning: expect.stringContaining('listens on ::,') as string });
    expect(of('-m a.gguf --host ::1')!.obstacle).toContain('listens on ::1 alone');
  });
});

describe('What cannot go on as ours', () => {
  it.each([
    ['-m a.gguf --api-key s3cret', '--api-key'],
    ['-m a.gguf --api-key=s3cret', '--api-key'],
    ['-hf o/r --hf-token s3cret', '--hf-token'],
    ['-m a.gguf --ssl-key-file k --ssl-cert-file c', 'TLS'],
    ['-m a.gguf --api-prefix /x', '--api-prefix'],
    ['-m a.gguf --no-jinja', '--no-jinja'],
    ['--models-dir /models', '--models-dir'],
  ])('%s', (words, why) => {
    const claim = of(words);
    expect(claim?.obstacle).toContain(why);
    expect(JSON.stringify(claim)).not.toContain('s3cret');
  });

  it("takes settings, or a key, from variables; or is another user's", () => {
    expect(of('-m a.gguf', { ...ENV, LLAMA_ARG_CTX_SIZE: '512' })!.obstacle).toContain('LLAMA_ARG_CTX_SIZE');
    expect(of('-m a.gguf', { ...ENV, LLAMA_API_KEY: 's3cret' })!.obstacle).toContain('LLAMA_API_KEY');
    expect(of('-m a.gguf', {})!.obstacle).toContain('another user');
  });

  it('is another program, or a port that is none', () => {
    expect(claimed({ args: ['/usr/bin/python3', 'serve.py'], env: ENV, folder: dir })).toBeNull();
    expect(of('-m a.gguf --port 0')).toBeNull();
  });
});
