import { describe, expect, it } from 'vitest';
import { takesMinutes } from '../guard/patience.ts';
import { newHome, until, type Child, type Home } from './home.ts';

takesMinutes();

const PROBE = 'daemon: { probe: 1s }\n';
const declare = (home: Home, context: number) => home.declare({ chat: `context: ${context}, rollout: { bake: 0s }` }, PROBE);

/** Three generations, the third serves; and a way back to the first whose copy does not come to answer. */
async function underWay(): Promise<{ readonly home: Home; readonly daemon: Child; readonly back: Child }> {
  const home = await newHome();
  declare(home, 256);
  const daemon = await home.up();
  await home.settles('chat 256 serving');
  for (const context of [512, 1024]) {
    declare(home, context);
    await home.settles(`chat ${context} serving`);
  }
  let struck = false;
  home.engines.fault({ kind: 'hang', method: 'POST', path: /probe/, struck: () => (struck = true) });
  const back = home.start('rollback', '1', '-y');
  await until('a probe that hangs', () => struck, back.text);
  home.engines.clearFaults();
  return { home, daemon, back };
}

describe('A way back that somebody wants no more', () => {
  it.each([
    [
      'goes elsewhere',
      (home: Home) => home.llmops('rollback', '2', '-y', '--reason', 'not so far.'),
      /\S+@\S+ \(not so far\) went back to generation 2 meanwhile\./,
    ],
    [
      'suspends',
      (home: Home) => home.llmops('suspend', '--reason', 'wait'),
      /\S+@\S+ \(wait\) suspended the stack meanwhile\. Generation 1 is held/,
    ],
    ['resumes', (home: Home) => home.llmops('resume'), /\S+@\S+ lifted the way back meanwhile/],
    [
      'saves another file',
      async (home: Home) => declare(home, 2048),
      /Release [0-9a-f]{12} came meanwhile, and the newest release counts\./,
    ],
  ] as const)('ends when somebody %s, and says so', async (_what, act, words) => {
    const { home, back } = await underWay();
    await act(home);
    const { code, stderr } = await back.ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(words)]);
  });

  it('ends with the daemon, and says that it is held', async () => {
    const { daemon, back } = await underWay();
    daemon.kill('SIGKILL');
    const { code, stderr } = await back.ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('The daemon ended meanwhile. Generation 1 is held')]);
  });
});
