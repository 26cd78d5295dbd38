import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DaemonEvent } from '../../src/domain/daemon-event.ts';
import { event, finished, notifier, receiver } from './receiver.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/notifications.md'), 'utf8');
const script = /```js\n([\s\S]*?)```/.exec(page)![1]!;

/** The example of the page, listening; ended with the test. */
async function statuses(env: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly url: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const url = `http://127.0.0.1:${/\d+/.exec(line.toString())![0]}/`;
  const end = async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  };
  return { url, [Symbol.asyncDispose]: end };
}

describe('The example of commit statuses', () => {
  const events: readonly DaemonEvent[] = [
    { ...(finished('succeeded') as DaemonEvent & { type: 'run.finished' }), commit: 'c1' },
    { at: '', stack: 'home', type: 'revision.invalid', revision: 'r', commit: 'c2', problems: [], message: 'No.' },
    event(1),
    finished('failed'),
  ];

  it.each([
    ['GitHub', 'GITHUB_API', { GITHUB_REPO: 'me/stack', GITHUB_TOKEN: 't' }],
    ['GitLab', 'GITLAB_API', { GITLAB_PROJECT: '12', GITLAB_TOKEN: 't' }],
  ])('tells %s', async (name, variable, env) => {
    await using api = await receiver((response, nth) => void response.writeHead(nth === 0 ? 503 : 201).end(), '');
    await using example = await statuses({ ...env, [variable]: api.url });
    const { notifier: made } = notifier({ url: { text: example.url } });
    for (const one of events) made.tell(one);
    await made.flush(10_000);
    const told = api.received.map(({ path, body }) => [path, body['state'], body['context'] ?? body['name'], body['description']]);
    const base = name === 'GitHub' ? '/repos/me/stack/statuses' : '/projects/12/statuses';
    const first = [`${base}/c1`, 'success', 'llmops/home', 'Generation 1: succeeded.'];
    expect(told).toEqual([first, first, [`${base}/c2`, name === 'GitHub' ? 'failure' : 'failed', 'llmops/home', 'No.']]);
  });
});
