import { describe, expect, it } from 'vitest';
import { newStage } from '../../cli/stage.ts';

async function printed(kind: string, env: Readonly<Record<string, string>>): Promise<string> {
  const stage = await newStage();
  stage.declare({ chat: '' });
  const world = stage.command({ env });
  expect(await world.llmops('up', '--print-unit', kind)).toBe(0);
  return world.stdout.text;
}

describe.each(['systemd', 'launchd', 'container'])('A unit for %s', (kind) => {
  it.each(['http://bob:canary123@proxy:3128', 'http://a@b.org:canary123@proxy', ' http://a:canary123/@p:1', 'http://canary123@p'])(
    'carries what the shell sets that changes how llmops works, and no address that may name a password: %s',
    async (proxy) => {
      const text = await printed(kind, {
        HF_ENDPOINT: 'https://hub.example',
        HTTPS_PROXY: proxy,
        NO_PROXY: 'a,b',
      });
      expect(text).toContain('https://hub.example');
      expect(text).toContain('a,b');
      expect(text).not.toContain('canary123');
    },
  );
});
