import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { randomFrom } from '../engines/real/random.ts';
import { takesMinutes } from '../guard/patience.ts';
import { newHome, until, type Child, type Home } from './home.ts';

takesMinutes();

// A seed from the environment repeats a run; without one, each run tries other moments.
const seed = Number(process.env['LLMOPS_KILL_SEED'] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const ROUNDS = 20;

const PROBE = 'daemon: { probe: 1s }\n';
const STEADY = 'rollout: { bake: 0s }';
const declare = (home: Home, chat: number, embed: number) =>
  home.declare({ chat: `context: ${chat}, ${STEADY}`, embed: `context: ${embed}, ${STEADY}` }, PROBE);
const serials = (home: Home): readonly number[] => [...home.engines.realm('one').instances.values()].map(({ serial }) => serial).sort();

async function kill(child: Child, signal: NodeJS.Signals): Promise<number> {
  child.kill(signal);
  return (await child.ended).code;
}

/** Kills the daemon that sees an edit at some moment of what follows, or before it. */
async function killInTheMiddle(home: Home, daemon: Child, chat: number, embed: number): Promise<number> {
  const ms = random() * 400;
  const before = home.engines.requests.length;
  declare(home, chat, embed);
  if (random() < 0.8) await until('a first act', () => home.engines.requests.slice(before).some((request) => !request.startsWith('GET')));
  await pause(ms * random());
  await kill(daemon, 'SIGKILL');
  return Math.round(ms);
}

describe('A daemon that is killed', () => {
  it(
    `at any moment, ${ROUNDS} times, is followed by one that finishes its work: one engine for each model, the others as they were`,
    { timeout: 900_000 },
    async () => {
      console.log(`LLMOPS_KILL_SEED=${seed}`);
      const home = await newHome();
      let [chat, embed] = [256, 256];
      declare(home, chat, embed);
      let daemon = await home.up();
      await home.settles('chat 256 serving', 'embed 256 serving');
      for (let round = 0; round < ROUNDS; round += 1) {
        if (random() < 0.5) chat += 256;
        else embed += 256;
        const ms = await killInTheMiddle(home, daemon, chat, embed);
        daemon = await home.up();
        await home.settles(`chat ${chat} serving`, `embed ${embed} serving`).catch((error: unknown) => {
          throw new Error(`seed ${seed}, round ${round}, killed after some ${ms} ms`, { cause: error });
        });
      }
      const before = serials(home);
      await kill(daemon, 'SIGKILL');
      expect(serials(home)).toEqual(before);
      await home.up();
      await home.settles(`chat ${chat} serving`, `embed ${embed} serving`);
      expect(serials(home)).toEqual(before);
      expect((await home.llmops('plan', '--detailed-exitcode')).code).toBe(0);
    },
  );
});

describe('A daemon that is told to end', () => {
  it('by SIGTERM ends well and by Ctrl-C with 130, also in the middle of an apply, and leaves the engines', async () => {
    const home = await newHome();
    declare(home, 256, 256);
    let daemon = await home.up();
    await home.settles('chat 256 serving', 'embed 256 serving');
    const before = serials(home);
    expect(await kill(daemon, 'SIGTERM')).toBe(0);
    daemon = await home.up();
    await home.settles('chat 256 serving', 'embed 256 serving');
    expect(await kill(daemon, 'SIGINT')).toBe(130);
    expect(serials(home)).toEqual(before);

    const struck = { one: false, two: false };
    home.engines.fault({ kind: 'hang', method: 'POST', path: /third.*probe/, struck: () => (struck.one = true) });
    daemon = await home.up();
    home.declare({ chat: `context: 256, ${STEADY}`, embed: `context: 256, ${STEADY}`, third: `context: 256, ${STEADY}` }, PROBE);
    await until('a probe that hangs', () => struck.one);
    expect(await kill(daemon, 'SIGTERM')).toBe(0);
    expect(daemon.text()).toMatch(/was cut short.*\n.*llmops up ends\. The engines go on running\.\n/);
    expect(await home.picture()).toBeNull();

    home.engines.clearFaults();
    home.engines.fault({ kind: 'hang', method: 'POST', path: /chat.*probe/, struck: () => (struck.two = true) });
    declare(home, 512, 256);
    daemon = await home.up();
    await until('a probe that hangs', () => struck.two);
    daemon.kill('SIGTERM');
    await daemon.says('Stopping: a model between its old copy and its new one is brought to its end first');
    await pause(500); // two that come at once are one keystroke
    expect(await kill(daemon, 'SIGTERM')).toBe(143);
    home.engines.clearFaults();
    await home.up();
    await home.settles('chat 512 serving', 'embed 256 serving');
  });
});
