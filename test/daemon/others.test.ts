import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { controlPath } from '../../src/control/path.ts';
import { acquireLease } from '../../src/state/index.ts';
import { takesMinutes } from '../guard/patience.ts';
import { receiver } from '../notify/receiver.ts';
import { newHome, until } from './home.ts';

takesMinutes();

const PROBE = 'daemon: { probe: 1s }\n';

describe('While a daemon runs', () => {
  it('`llmops apply` works, and the daemon has nothing to add', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving');
    home.declare({ chat: 'context: 512' }, PROBE);
    const applied = await home.llmops('apply', '-y', '--lock-timeout', '60s');
    expect(applied.code, applied.stderr).toBe(0);
    await home.settles('chat 512 serving');
    expect([...home.engines.realm('one').instances.values()].map(({ serial }) => serial)).toEqual([2]);
  });

  it('`llmops apply` of something else says that the daemon will put it back', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving');
    const again = await home.llmops('apply', '-y', '--replace', 'chat', '--lock-timeout', '60s');
    expect(again.stderr.replace(/\s+/g, ' ')).toMatch(
      /A daemon keeps this stack \(pid \d+, follows llmops\.yaml\)\. Settings other than what it follows are put back by it; to keep them: llmops suspend/,
    );
  });

  it('`llmops apply` of what waits there for an approval says what it goes past', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving');
    home.declare({ chat: 'context: 512' }, `${PROBE}policy: { approve: all }\n`);
    await home.told('plan.parked');
    const applied = await home.llmops('apply', '-y', '--lock-timeout', '60s');
    expect(applied.stderr.replace(/\s+/g, ' ')).toMatch(
      /It has chat wait for an approval \(llmops approve [0-9a-f]{12}\): this apply goes past that\./,
    );
    await home.settles('chat 512 serving');
  });

  it('`llmops apply` that may not wait says that the daemon is at it', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    let struck = false;
    home.engines.fault({ kind: 'hang', method: 'POST', path: /probe/, struck: () => (struck = true) });
    const daemon = await home.up();
    await until('a probe that hangs', () => struck);
    const refused = await home.llmops('apply', '-y', '--lock-timeout', '0s', '--detailed-exitcode');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain(`pid ${daemon.pid} (llmops up,`);
  });

  it('it waits for somebody else who changes the stack, says so once, and does not spin', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, PROBE);
    const lease = await acquireLease(home.stateDir, { command: 'llmops apply', waitMs: 0 });
    onTestFinished(() => lease.release());
    await home.up();
    const busy = await home.told('model.blocked');
    expect(busy.message).toMatch(new RegExp(`^Waits for pid ${process.pid} \\(llmops apply, .*\\), who changes this stack\\.$`));
    const looks = () => home.engines.requests.filter((asked) => asked === 'GET /one/instances').length;
    const before = looks();
    await until('further looks', () => looks() >= before + 3);
    expect((await home.events()).filter(({ type }) => type === 'model.blocked' || type === 'run.started')).toHaveLength(1);
    expect(home.copies()).toEqual([]);
    lease.release();
    await home.settles('chat 256 serving');
  });
});

describe('A webhook', () => {
  it('hears what happened; no secret is in what it hears, in the log, or in what the socket answers', async () => {
    const canary = 'canary-4f1d9c';
    await using hook = await receiver(undefined, `/${canary}`);
    const home = await newHome({ HOOK: hook.url, KEY: canary });
    const extra = `daemon: { probe: 1s, notify: [{ url: { env: HOOK }, on: ["run.*", trouble], minInterval: 0s }] }\n`;
    home.declare({ chat: 'context: 256, options: { apiKey: { env: KEY } }' }, extra);
    const daemon = await home.up();
    await home.settles('chat 256 serving');
    await until('the webhook', () => hook.received.some(({ body }) => body['type'] === 'run.finished'));
    const { body } = hook.received.find((one) => one.body['type'] === 'run.finished') ?? { body: {} };
    expect(body).toMatchObject({ type: 'run.finished', stack: 'desk', outcome: 'succeeded', generation: 1 });
    home.declare({ chat: `context: 256, options: { apiKey: ${canary} }` }, extra); // where only a reference may stand
    await home.told('revision.invalid');
    await until('the webhook', () => hook.received.some((one) => one.body['type'] === 'revision.invalid'));
    home.declare({ chat: 'context: 512, options: { apiKey: { env: KEY } }' }, extra);
    await home.settles('chat 512 serving');

    const answers = await Promise.all(['/v1/status', '/v1/release', '/v1/events?last=1000'].map((path) => ask(home.stateDir, path)));
    daemon.kill('SIGTERM');
    await daemon.ended;
    const files = readdirSync(home.stateDir, { recursive: true, encoding: 'utf8' })
      .map((name) => join(home.stateDir, name))
      .filter((path) => statSync(path).isFile() && /events|holds|supervisor/.test(path))
      .map((path) => readFileSync(path, 'utf8'));
    const said = [...answers, ...files, daemon.text(), JSON.stringify(hook.received.map((one) => one.body))];
    expect(said.filter((text) => text.includes(canary))).toEqual([]);
  });
});

function ask(stateDir: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath: controlPath(stateDir), path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
}
