import { join } from 'node:path';
import { globSync, readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../world/server.ts';
import { makePlace, weights, type Place } from './stack.ts';

const STACK = (context: number) => `version: 1
name: dry
allowOutside: true
backends:
  one: { type: llama.cpp }
  two: { type: llama.cpp }
models:
  chat: { backend: one, source: "file:${weights('Q4_K_M')}", context: ${context} }
  embed: { backend: two, source: "file:${weights('Q2_K')}", context: 256 }
`;

/** Verbs that promise to change nothing, in every form that asks an engine anything. */
const DRY = [
  ['validate'],
  ['plan'],
  ['plan', '--json'],
  ['plan', '--format', 'markdown'],
  ['plan', '--out', 'saved.plan'],
  ['plan', '--destroy'],
  ['plan', '--refresh-only'],
  ['plan', '--target', 'chat'],
  ['plan', '--replace', 'chat'],
  ['diff'],
  ['status'],
  ['status', '-o', 'wide'],
  ['status', '--json'],
  ['status', '--snapshot', 'seen.json'],
  ['history'],
  ['show', '1'],
  ['doctor'],
  ['fmt', '--check'],
];

describe('A dry run is dry', () => {
  let world: World;
  let place: Place;

  beforeAll(async () => {
    world = await startWorld();
    place = await makePlace({ main: join(import.meta.dirname, '../world/main.ts'), env: { LLMOPS_WORLD: world.url } });
    await place.write('llmops.yaml', STACK(256));
    const applied = await place.llmops(['apply', '-y']);
    expect(applied.code, applied.stderr).toBe(0);
    await place.write('llmops.yaml', STACK(512)); // so that there is something that could be done
  });

  afterAll(async () => {
    await world.close();
    await place.remove();
  });

  it('and the proxy would notice: apply does send requests that change', async () => {
    expect(world.requests.some((request) => request.startsWith('PUT '))).toBe(true);
  });

  it.each(DRY.map((args) => [args.join(' '), args] as const))(
    'llmops %s sends no request that changes, and leaves the state as it is',
    async (_, args) => {
      const before = world.requests.length;
      const state = stateOf(place);
      const ended = await place.llmops(args);
      expect([0, 1], `${ended.stdout}${ended.stderr}`).toContain(ended.code);
      expect(ended.stderr).not.toContain('internal');
      expect(world.requests.slice(before).filter((request) => !request.startsWith('GET '))).toEqual([]);
      expect(stateOf(place)).toEqual(state);
    },
  );
});

/** Every state file with its content and time. */
function stateOf(place: Place): Record<string, string> {
  const dir = join(place.dir, 'xdg-state');
  const files = globSync('**/*', { cwd: dir }).filter((file) => statSync(join(dir, file)).isFile());
  return Object.fromEntries(
    files.sort().map((file) => [file, `${statSync(join(dir, file)).mtimeMs} ${readFileSync(join(dir, file)).toString('base64')}`]),
  );
}
