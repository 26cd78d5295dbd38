import { describe, expect, it } from 'vitest';
import { realHands } from '../../src/daemon/hands.ts';
import { Superseded } from '../../src/domain/superseded.ts';
import { takesMinutes } from '../guard/patience.ts';
import { newHome } from './home.ts';

takesMinutes();

const chat = (context: number) => ({ chat: `context: ${context}, rollout: { strategy: surge, bake: 0s }` });
const QUIET = 'daemon: { probe: 1h }\n';

const SILENT = { show: () => undefined, clear: () => undefined };

describe('What a newer release cuts short', () => {
  it('while it looks: that tells nothing of an engine', async () => {
    const home = await newHome();
    home.declare(chat(256));
    expect((await home.llmops('apply', '-y')).code).toBe(0);
    for (const copy of home.engines.realm('one').instances.values()) copy.phase = 'failed';
    const { context } = home.command({ env: home.env });
    const parts = { context: { ...context, note: () => SILENT }, place: { chdir: home.dir }, stack: 'desk', stateDir: home.stateDir };
    const hands = realHands({ ...parts, parallelism: 1, emit: () => undefined });
    const [stop, struck] = [new AbortController(), Promise.withResolvers<void>()];
    home.engines.fault({ kind: 'hang', method: 'GET', path: /instances$/, struck: () => struck.resolve() });
    const task = { session: await hands.generation(1), targets: ['chat'], trigger: 'crash', allowDestroy: true, holdFailed: true } as const;
    const acted = hands.act(task, stop.signal);
    await struck.promise;
    stop.abort(new Superseded('release 2'));
    expect(await acted).toEqual({ kind: 'stopped' });
    home.engines.clearFaults();
    expect(await hands.act(task, new AbortController().signal)).toMatchObject({ kind: 'ran', result: { outcome: 'succeeded' } });
  });

  it('while it starts a copy: that is known for ours, and no drift', async () => {
    const home = await newHome();
    home.declare(chat(256), QUIET);
    await home.up();
    await home.settles('chat 256 serving');
    for (const context of [512, 768]) {
      const probed = Promise.withResolvers<void>();
      home.engines.clearFaults();
      home.engines.fault({ kind: 'hang', method: 'POST', path: /probe$/, struck: () => probed.resolve() });
      home.declare(chat(context), QUIET);
      await probed.promise;
    }
    home.engines.clearFaults();
    home.declare(chat(1024), QUIET);
    await home.settles('chat 1024 serving');
    expect((await home.events()).filter(({ type }) => type === 'drift.found')).toEqual([]);
  });
});
