import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { userOf } from '../ollama/user.ts';
import { findOllama } from './ollama-server.ts';
import { freePort } from './real/ports.ts';
import { isAlive, signal, until } from './real/proc.ts';
import { flat, makeRig, type Rig } from './real/rig.ts';

let rig: Rig;
let port: number;
beforeEach(async () => {
  rig = await makeRig({ files: ['Q4_K_M', 'Q2_K'] });
  port = await freePort();
});
afterEach(() => rig.end());

const user = () => userOf(`http://127.0.0.1:${port}`);
const model = (file: string, more = '') => `source: file:desk-${file}.gguf, context: 512, offload: none${more}`;

/** Two models of different weights on a server that llmops serves. */
const declare = (more: string, options = '') =>
  rig.declare(
    { desk: model('Q4_K_M', more), draft: model('Q2_K', more) },
    `{ type: ollama, serve: true, engine: ${findOllama()}, url: "http://127.0.0.1:${port}"${options} }`,
  );

/** The server itself, not the runners that it started: all of them carry its mark. */
const servers = () => rig.processes().filter(({ args }) => args.includes('serve'));
const server = () => {
  const [only, ...more] = servers();
  if (only === undefined || more.length > 0) throw new Error(`${more.length + (only ? 1 : 0)} servers run`);
  return only;
};

async function die(pid: number): Promise<void> {
  signal(pid, 'SIGKILL');
  await until(() => !isAlive(pid));
}

/** What a model says, and which models are in memory. */
async function answers(name: string): Promise<boolean> {
  const { done, response } = await user().post('/api/generate', { model: name, prompt: 'a', stream: false, options: { num_predict: 4 } });
  return done === true && typeof response === 'string';
}

describe('An Ollama that llmops serves', () => {
  it('is started by the apply that needs it, outlives it, and ends with its last model', async () => {
    await declare('');
    expect(flat(await rig.ok('plan'))).toContain('Ollama (not running)');
    expect(servers()).toEqual([]);
    await rig.ok('apply', '-y');
    expect(await Promise.all([answers('desk'), answers('draft')])).toEqual([true, true]);
    expect(rig.endpoint()?.url).toBe(`http://127.0.0.1:${port}`);
    expect(await rig.ok('plan', '--detailed-exitcode')).toContain('No changes');
    expect(await rig.ok('logs', 'local', '--tail', '5000')).toContain('Listening on');
    await rig.ok('down', '-y');
    expect(rig.processes()).toEqual([]);
    await rig.ok('apply', '-y');
    expect(await answers('desk')).toBe(true);
  });

  it('is started anew when its models ask for something that it reads at its start, and not for anything else', async () => {
    await declare(', parallel: 1');
    await rig.ok('apply', '-y');
    const { pid } = server();
    await declare(', parallel: 1, options: { system: "Be brief." }');
    await rig.ok('apply', '-y');
    expect(server().pid).toBe(pid);
    await declare(', parallel: 2, kvCache: q8_0');
    expect(flat(await rig.ok('plan'))).toContain('it is a setting of the whole server, which is started anew for it');
    await rig.ok('apply', '-y');
    expect(server().pid).not.toBe(pid);
    expect(isAlive(pid)).toBe(false);
    const log = await rig.ok('logs', 'local', '--tail', '5000');
    expect(log).toMatch(/n_seq_max\s*= 2/);
    expect(log).toMatch(/K \(q8_0\)/);
    expect(await answers('desk')).toBe(true);
    expect(await rig.ok('plan', '--detailed-exitcode')).toContain('No changes');
  });

  it('that was killed is seen, and started again with its models; runners that it left behind are ended', async () => {
    await declare('');
    await rig.ok('apply', '-y');
    const runners = rig.processes().filter(({ args }) => !args.includes('serve'));
    expect(runners.length).toBeGreaterThan(0);
    await die(server().pid);
    const plan = flat(await rig.ok('plan'));
    expect(plan).toContain('is not there any more');
    expect(plan).not.toContain('pull');
    await rig.ok('apply', '-y');
    expect(runners.filter(({ pid }) => isAlive(pid))).toEqual([]);
    expect(await Promise.all([answers('desk'), answers('draft')])).toEqual([true, true]);
    await die(server().pid);
    await rig.ok('down', '-y');
    expect(rig.processes()).toEqual([]);
  });

  it('with a model of somebody else in memory is neither started anew nor ended', async () => {
    await declare('');
    await rig.ok('apply', '-y');
    const { pid } = server();
    await user().post('/api/create', { model: 'mine', from: 'draft', system: 'Mine.', parameters: { num_ctx: 256 }, stream: false });
    await user().post('/api/generate', { model: 'mine', keep_alive: -1, stream: false });
    await declare(', parallel: 2');
    const refused = await rig.llmops('apply', '-y');
    expect(refused.code).not.toBe(0);
    expect(flat(refused.stdout)).toContain('mine, which llmops did not put there, would be cut');
    expect(await answers('desk')).toBe(true);
    const { code, stderr } = await rig.llmops('down', '-y');
    expect([code, flat(stderr)]).toEqual([0, expect.stringContaining('[server-stays]')]);
    expect(server().pid).toBe(pid);
    await user().post('/api/generate', { model: 'mine', keep_alive: 0, stream: false });
    await until(async () => (await user().ps()).length === 0);
    await rig.ok('down', '-y');
    expect(rig.processes()).toEqual([]);
  });

  it('moves to another port with all its models', async () => {
    await declare('');
    await rig.ok('apply', '-y');
    port = await freePort();
    await declare('');
    await rig.ok('apply', '-y');
    expect(servers()).toHaveLength(1);
    expect(rig.endpoint()?.url).toBe(`http://127.0.0.1:${port}`);
    expect(await answers('desk')).toBe(true);
    expect(await rig.ok('plan', '--detailed-exitcode')).toContain('No changes');
  });
});
