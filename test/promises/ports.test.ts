import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../src/backends/kit/ports.ts';
import { installFake } from '../../src/backends/llama.cpp/fake/main.ts';
import { takesMinutes } from '../guard/patience.ts';
import { makePlace, weights, type Ended, type Place } from './stack.ts';

takesMinutes();

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  installFake(place.dir);
});
afterEach(async () => {
  expect((await place.llmops(['down', '-y'])).code).toBe(0);
  await place.remove();
});

/** A stack of llama-servers on fixed ports, by model. */
function declare(ports: Readonly<Record<string, number>>): Promise<void> {
  const models = Object.entries(ports).map(
    ([name, port]) => `  ${name}: { backend: local, source: 'file:${weights('Q8_0')}', context: 512, options: { port: ${port} } }\n`,
  );
  const engine = `${place.dir}/llama-server`;
  return place.write(
    'llmops.yaml',
    `version: 1\nname: ports\nbackends:\n  local: { type: llama.cpp, engine: '${engine}' }\nallowOutside: true\nmodels:\n${models.join('')}`,
  );
}

async function apply(ports: Readonly<Record<string, number>>): Promise<Ended> {
  await declare(ports);
  return place.llmops(['apply', '-y']);
}

/** The model that answers on a port. */
async function modelOn(port: number): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/models`);
  return ((await answer.json()) as { data: readonly { id: string }[] }).data[0]?.id;
}

async function twoPorts(): Promise<[number, number]> {
  const first = await freePort();
  for (let other = await freePort(); ; other = await freePort()) if (other !== first) return [first, other];
}

describe('A fixed port that changes hands between real processes', () => {
  it('goes to a renamed model once the old one has let go of it', async () => {
    const port = await freePort();
    expect(await apply({ old: port })).toMatchObject({ code: 0 });
    const renamed = await apply({ new: port });
    expect(renamed).toMatchObject({ code: 0 });
    expect(renamed.stdout).toContain(`waits            for old to end, which holds port ${port}`);
    expect(await modelOn(port)).toBe('new');
  });

  it('is exchanged between two models', async () => {
    const [first, second] = await twoPorts();
    expect(await apply({ chat: first, code: second })).toMatchObject({ code: 0 });
    expect(await apply({ chat: second, code: first })).toMatchObject({ code: 0 });
    expect([await modelOn(first), await modelOn(second)]).toEqual(['code', 'chat']);
  });
});
