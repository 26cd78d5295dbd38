import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, type Conformance } from '../contract/world.ts';
import { userOf, type User } from './user.ts';

/**
 * What this driver relies on of Ollama, said to the fake and to the real server alike: if one of these fails on either, the
 * fake and src/backends/ollama/README.md are wrong.
 */
export function describeBehaviour({
  name,
  server,
  weights,
  otherWeights,
}: Pick<Conformance, 'name' | 'server' | 'weights' | 'otherWeights'>): void {
  let dir: string;
  let end: () => Promise<void>;
  let user: User;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'llmops-behaviour-'));
    const started = await server?.();
    end = () => started?.end() ?? Promise.resolve();
    user = userOf(String(started?.options['url']));
  });
  afterEach(async () => {
    await end();
    rmSync(dir, { recursive: true });
  });

  const hand = async (path: string): Promise<string> => {
    const bytes = readFileSync(path);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const answer = await fetch(`${user.url}/api/blobs/${digest}`, { method: 'POST', body: bytes });
    expect([200, 201]).toContain(answer.status);
    return digest;
  };
  const make = async (model: string, path: string, more: object = {}) =>
    user.post('/api/create', { model, files: { 'model.gguf': await hand(path) }, stream: true, ...more });
  const derive = (model: string, from: string, more: object) => user.post('/api/create', { model, from, ...more });
  const load = (model: string, more: object = {}) => user.post('/api/generate', { model, stream: false, ...more });
  const shown = async (model: string) => user.post('/api/show', { model });
  const status = async (path: string, body: object, method = 'POST') => {
    const sent = { method, body: JSON.stringify(body) };
    const answer = await fetch(`${user.url}${path}`, sent);
    return [answer.status, (await answer.text()).trim()] as const;
  };

  describe(`Ollama as ${name} does it`, () => {
    it('says errors inside status 200, as the last line; success is a line, too', async () => {
      expect(await make('chat', weights(dir))).toEqual({ status: 'success' });
      const cut = join(dir, 'cut.gguf');
      writeFileSync(cut, readFileSync(weights(dir)));
      truncateSync(cut, 20);
      const [code, text] = await status('/api/create', { model: 'cut', files: { 'model.gguf': await hand(cut) } });
      expect(code).toBe(200);
      expect(text.split('\n').at(-1)).toMatch(/^\{"error":"/);
      expect(await user.names()).toEqual(['chat:latest']);
    });

    it('refuses a blob that is not what its name says, and a model of a blob that it does not have', async () => {
      const path = `/api/blobs/sha256:${'0'.repeat(64)}`;
      const answer = await fetch(`${user.url}${path}`, { method: 'POST', body: 'abc' });
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('digest mismatch, expected')]);
      expect((await fetch(`${user.url}${path}`, { method: 'HEAD' })).status).toBe(404);
      await expect(user.post('/api/create', { model: 'x', files: { 'model.gguf': path.slice(11) } })).rejects.toThrow('no such file');
    });

    it('makes the same model of the same file under the same name, and another one under another name', async () => {
      await make('a', weights(dir));
      await make('b', weights(dir));
      await user.post('/api/create', { model: 'c', files: { 'other.gguf': await hand(weights(dir)) } });
      const [a, b, c] = await Promise.all(['a:latest', 'b:latest', 'c:latest'].map((model) => user.digestOf(model)));
      expect(a).toBe(b);
      expect(a).not.toBe(c);
    });

    it('merges parameters over those of the base, replaces prompts, adds licences up', async () => {
      await make('base', weights(dir), { license: 'One.' });
      await derive('one', 'base', { parameters: { temperature: 0.5, top_k: 3 }, system: 'A.', license: 'Two.' });
      await derive('two', 'one', { parameters: { temperature: 0.7, unknown: 1 }, system: 'B.' });
      const { parameters, system, license, details } = await shown('two');
      expect(String(parameters)).toMatch(/temperature +0\.7/);
      expect(String(parameters)).toMatch(/top_k +3/);
      expect(String(parameters)).toMatch(/unknown +1/);
      expect([system, license]).toEqual(['B.', 'One.\nTwo.']);
      expect(details).toMatchObject({ parent_model: 'one:latest' });
      expect((await load('two'))['done_reason']).toBe('load');
    });

    it('pulls a base that is not there', async () => {
      await expect(derive('x', '127.0.0.1:1/me/none', {})).rejects.toThrow('pull model manifest');
      expect(await user.names()).toEqual([]);
    });

    it('fails every request for an option of the wrong type, with status 500', async () => {
      await make('chat', weights(dir));
      const [code, text] = await status('/api/generate', { model: 'chat', options: { num_ctx: 'many' } });
      expect([code, text]).toEqual([500, '{"error":"option \\"num_ctx\\" must be of type integer"}']);
    });

    it('copies and removes names; what is in memory stays there, under a digest that nothing has any more', async () => {
      await make('chat', weights(dir));
      await load('chat', { keep_alive: -1 });
      await user.copy('chat', 'alias');
      expect(await user.digestOf('alias:latest')).toBe(await user.digestOf('chat:latest'));
      const [row] = await user.ps();
      await user.remove('chat');
      await user.remove('alias');
      expect(await user.ps()).toMatchObject([{ name: 'chat:latest', digest: row?.digest }]);
      expect(await status('/api/delete', { model: 'chat' }, 'DELETE')).toEqual([404, '{"error":"model \'chat\' not found"}']);
      expect((await status('/api/copy', { source: 'chat', destination: 'x' }))[0]).toBe(404);
      expect((await status('/api/show', { model: 'chat' }))[0]).toBe(404);
    });

    it('takes blobs away with the last name that they have', async () => {
      const digest = await hand(weights(dir));
      await make('chat', weights(dir));
      await derive('talk', 'chat', { system: 'A.' });
      const has = async () => (await fetch(`${user.url}/api/blobs/${digest}`, { method: 'HEAD' })).status;
      await user.remove('chat');
      expect(await has()).toBe(200);
      await user.remove('talk');
      expect(await has()).toBe(404);
    });

    it('has one runner for each weight blob, under the name that loaded it', async () => {
      await make('base', weights(dir));
      await derive('one', 'base', { parameters: { num_ctx: 256 } });
      await derive('two', 'base', { parameters: { num_ctx: 256, temperature: 0.1 } });
      await derive('three', 'base', { parameters: { num_ctx: 512 } });
      const rows = async () => (await user.ps()).map(({ name: row, context_length: context }) => `${row} ${context}`);
      await load('one');
      await load('two');
      expect(await rows()).toEqual(['one:latest 256']);
      await load('three');
      expect(await rows()).toEqual(['three:latest 512']);
      await make('other', otherWeights?.(dir) ?? '');
      await load('other', { options: { num_ctx: 256 } });
      expect((await rows()).sort()).toEqual(['other:latest 256', 'three:latest 512']);
    });

    it('takes a context down to the trained one in silence, and tells a small one as it was asked for', async () => {
      await make('chat', weights(dir));
      await load('chat', { options: { num_ctx: 4096 } });
      expect((await user.ps()).map((row) => row.context_length)).toEqual([1024]);
      await load('chat', { options: { num_ctx: 64 } });
      expect((await user.ps()).map((row) => row.context_length)).toEqual([64]);
    });

    it('never reloads for a number of layers that is left open', async () => {
      await make('base', weights(dir));
      await derive('none', 'base', { parameters: { num_ctx: 256, num_gpu: 0 } });
      await derive('open', 'base', { parameters: { num_ctx: 256 } });
      await load('none');
      await load('open');
      expect((await user.ps()).map((row) => row.name)).toEqual(['none:latest']);
      await load('open', { options: { num_gpu: 1 } });
      expect((await user.ps()).map((row) => row.name)).toEqual(['open:latest']);
    });

    it('says of an unload that it is done at once, and does it when it is', async () => {
      await make('chat', weights(dir));
      await load('chat');
      expect((await load('chat', { keep_alive: 0 }))['done_reason']).toBe('unload');
      await eventually(async () => (await user.ps()).length === 0);
      expect((await load('chat', { keep_alive: 0 }))['done_reason']).toBe('unload');
    });

    it('knows a context that was left open from one that was set', async () => {
      await make('chat', weights(dir));
      await load('chat');
      const [before] = await user.ps();
      await user.post('/v1/chat/completions', { model: 'chat', max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] });
      expect((await user.ps()).map((row) => row.context_length)).toEqual([before?.context_length]);
    });

    it('makes no vectors with a model for text', async () => {
      await make('chat', weights(dir));
      expect((await status('/api/embed', { model: 'chat', input: 'x' }))[0]).toBe(501);
    });

    it('takes names that differ in case for one, and keeps the first spelling', async () => {
      await make('Chat', weights(dir));
      await user.copy('CHAT', 'chat:Other');
      expect([...(await user.names())].sort()).toEqual(['Chat:Other', 'Chat:latest']);
      await user.remove('chat:OTHER');
      expect(await user.names()).toEqual(['Chat:latest']);
      expect((await status('/api/create', { model: 'a@b', from: 'Chat' }))[0]).toBe(400);
    });

    it('answers a host name that is not its own with 403 and nothing', async () => {
      const answer = await new Promise<{ status: number; text: string }>((done, fail) => {
        const asked = request(`${user.url}/api/tags`, { headers: { host: 'ollama.example.com' } }, (response) => {
          let text = '';
          response.on('data', (chunk) => (text += String(chunk)));
          response.on('end', () => done({ status: response.statusCode ?? 0, text }));
        });
        asked.on('error', fail);
        asked.end();
      });
      expect(answer).toEqual({ status: 403, text: '' });
    });
  });
}
