import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHolds } from '../../src/state/index.ts';
import { takesMinutes } from '../guard/patience.ts';
import { receiver, type Receiver } from '../notify/receiver.ts';
import { newHome, until, type Home } from './home.ts';

takesMinutes();

const chat = (context: number): string => `context: ${context}, rollout: { bake: 0s }`;
const notify = (url: string, on = "['*']"): string => `daemon: { probe: 1s, notify: [{ url: ${url}, on: ${on}, minInterval: 0s }] }\n`;
const ENV = notify('{ env: HOOK }');
const policy = (approve: string): string => `policy: { approve: ${approve} }\n`;

const heard = ({ received }: Receiver): readonly unknown[] => received.map(({ body }) => body['type']);
const hears = (hook: Receiver, type: string): Promise<unknown> =>
  until(
    `${type} at the webhook`,
    () => heard(hook).includes(type),
    () => heard(hook),
  );

/** As it is on disk. */
async function policyIn({ stateDir }: Home): Promise<string | undefined> {
  return (await readHolds(stateDir)).holds.mandate?.policy.approve;
}

/** The name of what waits now, once it is this. */
async function parked(home: Home, summary: string): Promise<string> {
  const now = async () => (await home.picture())?.parked;
  const found = await until(`${summary} to be parked`, async () => ((await now())?.summary === summary ? now() : null), now);
  return found.key;
}

describe('Who hears of what is done', () => {
  it('is told of a daemon that begins on a file that is broken, or gone, as it was applied last', async () => {
    await using hook = await receiver();
    const home = await newHome({ HOOK: hook.url });
    home.declare({ chat: chat(256) }, notify('{ env: HOOK }', '[trouble, daemon.started]'));
    expect((await home.llmops('apply', '-y')).code).toBe(0);
    home.write('llmops.yaml', 'version: 1\nmodels: [');
    await home.up('--state-dir', home.stateDir);
    await hears(hook, 'revision.invalid');
    rmSync(join(home.dir, 'llmops.yaml'));
    await hears(hook, 'source.unavailable');
    expect(heard(hook)).toEqual(['daemon.started', 'revision.invalid', 'source.unavailable']);
  });

  it('is told that it begins where nothing was ever applied, as the file has it', async () => {
    await using hook = await receiver();
    const home = await newHome({ HOOK: hook.url });
    home.declare({ chat: chat(256) }, ENV);
    await home.up();
    await hears(hook, 'run.finished');
    expect(heard(hook).slice(0, 2)).toEqual(['daemon.started', 'revision.found']);
  });
});

describe('A release that is refused, or cannot be judged yet', () => {
  it('names no command that is run, and takes nothing from who is called', async () => {
    await using hook = await receiver();
    const home = await newHome({ HOOK: hook.url });
    const ran = join(home.dir, 'ran');
    home.declare({ chat: chat(256), mail: `${chat(256)}, protect: true` }, ENV);
    await home.up();
    await home.settles('chat 256 serving', 'mail 256 serving');
    home.declare({ chat: chat(256) }, notify(`{ command: "touch ${ran}; echo ${hook.url}" }`));
    await hears(hook, 'plan.refused');
    await home.llmops('reconcile');
    await until('rest', async () => (await home.picture())?.phase === 'idle');
    expect(existsSync(ran)).toBe(false);
  });

  it('does not put its policy in force while a model that it deletes cannot be seen', async () => {
    const home = await newHome();
    const probe = 'daemon: { probe: 1s }\n';
    home.declare({ chat: chat(256), mail: `${chat(256)}, backend: two` }, probe + policy('destructive'));
    await home.up();
    await home.settles('chat 256 serving');
    home.engines.fault({ kind: 'drop', method: 'GET', path: /two/ });
    home.declare({ chat: chat(256) }, probe);
    await until('an engine that cannot be seen', async () => JSON.stringify(await home.picture()).includes('mail'));
    for (let times = 0; times < 3; times += 1) await home.llmops('reconcile');
    expect(await policyIn(home)).toBe('destructive');
    home.engines.clearFaults();
    await parked(home, 'delete mail.');
  });
});

describe('A release that waits for an approval', () => {
  it('neither lets itself through, nor names who is told, nor runs a command', async () => {
    await using hook = await receiver();
    await using other = await receiver();
    const home = await newHome({ HOOK: hook.url });
    const [proof, both] = [join(home.dir, 'PROOF'), { chat: chat(256), old: chat(512) }];
    home.declare(both, ENV + policy('destructive'));
    await home.up();
    await home.settles('chat 256 serving', 'old 512 serving');

    const command = notify(`{ command: "touch ${proof}; echo ${other.url}" }`);
    home.declare({ chat: chat(256) }, command);
    const key = await parked(home, 'delete old.');
    await hears(hook, 'plan.parked');
    await home.llmops('reconcile'); // some more rounds
    expect([home.copies(), existsSync(proof), heard(other)]).toEqual([['chat 256 serving', 'old 512 serving'], false, []]);

    expect((await home.llmops('approve', key)).code).toBe(0);
    await home.settles('chat 256 serving');
    await hears(other, 'run.finished');
    expect(existsSync(proof)).toBe(true);
    home.declare(both, command); // what was approved said that nothing is to be approved
    await home.settles('chat 256 serving', 'old 512 serving');
    home.declare({ chat: chat(256) }, command);
    await home.settles('chat 256 serving');
  });

  it('holds also the one after it, when what was let through made no generation, and with another daemon', async () => {
    const home = await newHome();
    home.declare({ chat: chat(256), old: chat(512) });
    const first = await home.up();
    await home.settles('chat 256 serving', 'old 512 serving');
    home.declare({ chat: chat(256), old: chat(512) }, policy('all'));
    expect(await policyIn(home)).toBe('none');
    await until('the policy to count', async () => (await policyIn(home)) === 'all');
    first.kill('SIGKILL');
    await first.ended;
    home.declare({ chat: chat(256) });
    await home.up();
    await parked(home, 'delete old; edit policy.');

    home.declare({ chat: chat(256), old: chat(512) }, policy('none'));
    const key = await parked(home, 'edit policy.');
    expect((await home.llmops('approve', key)).code).toBe(0);
    await home.settles('chat 256 serving', 'old 512 serving');
    home.declare({ chat: chat(256) });
    await home.settles('chat 256 serving');
  });
});
