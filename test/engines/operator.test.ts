import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { steadyClient, TRIAGED, triage } from './real/clients.ts';
import { freePort } from './real/ports.ts';
import { isAlive, signal, until } from './real/proc.ts';
import { flat, makeRig, type Rig } from './real/rig.ts';

let rig: Rig;
let port: number;
beforeAll(async () => {
  rig = await makeRig({ files: ['F16'] });
  port = await freePort();
});
afterAll(() => rig.end());
afterEach(() => rig.ok('down', '-y'));

/** Two copies cannot listen on one port, so each change is old before new. */
const declare = (context: number, options = '') =>
  rig.declare({ desk: `source: file:desk-F16.gguf, context: ${context}, options: { port: ${port}${options} }` });
const BAD = ', args: [--rope-scaling, sideways]';
const url = () => `http://127.0.0.1:${port}`;

/** Somebody else's server on the model's port, as soon as that is free: an ended process of many threads lets go of it a moment later. */
async function stranger(): Promise<Server> {
  const server = createServer((_request, response) => response.end('hello'));
  await until(async () => {
    const came = once(server, 'listening');
    server.listen(port, '127.0.0.1');
    return came.then(
      () => true,
      () => false,
    );
  });
  return server;
}

async function die(pid: number): Promise<void> {
  signal(pid, 'SIGKILL');
  await until(() => !isAlive(pid));
}

describe('A service that is restarted with a change that cannot work', () => {
  it('takes the working copy down once, and never again by itself', async () => {
    await declare(512);
    await rig.ok('apply', '-y');
    await declare(512, BAD);
    const first = rig.start('apply', '-y', '--supervise');
    await until(() => first.text().includes('Supervising'));
    signal(first.pid, 'SIGTERM');
    await first.ended;
    const { pid } = rig.engine();
    const client = steadyClient(() => ({ url: url() }));
    for (let restart = 0; restart < 3; restart += 1) {
      const again = rig.start('apply', '-y', '--supervise');
      await until(() => again.text().includes('Supervising'));
      expect(flat(again.text())).toContain('[failed-before]');
      signal(again.pid, 'SIGTERM');
      await again.ended;
    }
    const { failures, figures } = await client.stop();
    expect(failures, figures).toEqual([]);
    expect(rig.engine().pid).toBe(pid);
  });
});

describe('A supervisor that cannot act', () => {
  it('says who holds the port, once, and starts the model as soon as it is free', async () => {
    await declare(512);
    await rig.ok('apply', '-y');
    const supervisor = rig.start('apply', '-y', '--supervise');
    await until(() => supervisor.text().includes('Supervising'));
    signal(supervisor.pid, 'SIGSTOP'); // so that the stranger is there first
    await die(rig.engine().pid);
    const other = await stranger();
    signal(supervisor.pid, 'SIGCONT');
    await until(() => supervisor.text().includes('[port-taken]'));
    expect(flat(await rig.ok('plan').catch(String))).toContain('port-taken');
    other.close();
    other.closeAllConnections();
    await until(() => supervisor.text().includes('succeeded'));
    expect(await triage(url())).toEqual(TRIAGED);
    const [last] = (JSON.parse(await rig.ok('history', '--json')) as { readonly generations: readonly { readonly number: number }[] })
      .generations;
    expect(flat(await rig.ok('show', String(last?.number)))).toMatch(
      /downtime of desk: between .* it had ended before this run \(last sign of life/,
    );
    signal(supervisor.pid, 'SIGINT');
    await supervisor.ended;
  });
});

describe('A change to a port that somebody else holds', () => {
  it('is blocked by the plan and ends nothing: the copy that serves goes on', async () => {
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 512, rollout: { strategy: swap }' });
    await rig.ok('apply', '-y');
    const { pid } = rig.engine();
    const other = await stranger();
    try {
      await rig.declare({ desk: `source: file:desk-F16.gguf, context: 512, rollout: { strategy: swap }, options: { port: ${port} }` });
      const { code, stdout } = await rig.llmops('apply', '-y');
      expect([code, flat(stdout)]).toEqual([1, expect.stringContaining(`desk cannot get port ${port}: `) as string]);
      expect(flat(stdout)).toContain('Nothing was changed: 1 model is blocked.');
      expect(rig.engine().pid).toBe(pid);
      expect(await triage(rig.endpoint()?.url ?? '')).toEqual(TRIAGED);
    } finally {
      other.close();
      other.closeAllConnections();
    }
  });
});
