import { describe, expect, it } from 'vitest';
import { Follower } from '../../src/daemon/follower.ts';
import type { Release, Telling } from '../../src/daemon/types.ts';
import type { Revision, Source, SourceLook } from '../../src/source/types.ts';
import { InvalidConfigError } from '../../src/stack/session.ts';

const PROBLEM = { severity: 'error', code: 'x', summary: 'It is not so.' } as const;
const signal = new AbortController().signal;

function found(id: string, text = id): SourceLook & { readonly kind: 'found' } {
  const revision: Revision = { id, commit: id, about: null, text: Buffer.from(text), lock: null, read: () => Promise.resolve(null) };
  return { kind: 'found', revision };
}

/** A follower of a source that says this, one after the other. `invalid` and `broken` as a text do not open. */
function follow(...looks: readonly SourceLook[]) {
  const events: Telling[] = [];
  let [news, asked] = [0, 0];
  const pauses: number[] = [];
  const slept = Promise.withResolvers<void>();
  const source: Source = {
    shown: 'main',
    look: () => Promise.resolve(looks[Math.min(asked++, looks.length - 1)] as SourceLook),
    watch: () => Promise.resolve({ close: () => Promise.resolve() }),
  };
  const open = async ({ text, commit, about }: Revision): Promise<Release> => {
    const id = Buffer.from(text).toString();
    if (id === 'invalid') throw new InvalidConfigError([PROBLEM]);
    if (id === 'broken') throw new Error('A disk.');
    return { id, session: {} as Release['session'], commit, about, files: [] };
  };
  const parts = {
    source,
    hands: { open },
    tell: (event: Telling) => void events.push(event),
    clock: {
      monotonicMs: () => 0,
      sleep: (ms: number) => (pauses.push(ms), pauses.length < 9 ? slept.promise : new Promise<void>(() => undefined)),
    },
    onNews: () => (news += 1),
  };
  const follower = new Follower(parts);
  const all = async () => {
    for (const _ of looks) await follower.look(signal);
    return { release: follower.release?.id ?? null, trouble: follower.trouble?.kind ?? null, news, types: events.map(({ type }) => type) };
  };
  return { all, follower, asked: () => asked, wake: slept.resolve, pauses };
}

describe('A source is followed', () => {
  it('release by release; a commit that means the same is no news', async () => {
    expect(await follow(found('c1', 'r1'), found('c1', 'r1'), found('c2', 'r1'), found('c3', 'r3')).all()).toEqual({
      release: 'r3',
      trouble: null,
      news: 2,
      types: ['revision.found', 'revision.found'],
    });
  });

  it.each([
    ['invalid', found('c2', 'invalid'), 'revision.invalid'],
    ['refused', { kind: 'refused', commit: 'c2', problem: PROBLEM }, 'revision.refused'],
    ['unavailable', { kind: 'unavailable', problem: PROBLEM }, 'source.unavailable'],
  ] as const)('past what is %s, which is told once, while the release before counts on', async (trouble, look, type) => {
    const { release, types, trouble: said } = await follow(found('c1', 'r1'), look, look).all();
    expect([release, said, types]).toEqual(['r1', trouble, ['revision.found', type]]);
  });

  it('to the next good commit without help', async () => {
    const { release, trouble } = await follow(found('c1', 'r1'), found('c2', 'invalid'), found('c3', 'r3')).all();
    expect([release, trouble]).toEqual(['r3', null]);
  });

  it('also back to the release before one that was invalid', async () => {
    const { release, trouble, news } = await follow(found('c1', 'r1'), found('c2', 'invalid'), found('c3', 'r1')).all();
    expect([release, trouble, news]).toEqual(['r1', null, 1]);
  });

  it('again where it was not the file that could not be opened', async () => {
    const { follower, all } = follow(found('c1', 'broken'), found('c1', 'r1'));
    await all();
    expect(follower.release?.id).toBe('r1');
  });

  it('again after a while where nothing tells of news', async () => {
    const { follower, all, asked, wake, pauses } = follow(found('c1', 'broken'));
    await all();
    expect([asked(), follower.trouble?.kind]).toEqual([1, 'invalid']);
    wake();
    await expect.poll(asked).toBe(9);
    expect(pauses).toEqual([5000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
  });

  it.each([
    ['could not be opened', found('c2', 'broken')],
    ['is not valid', found('c2', 'invalid')],
    ['is refused', { kind: 'refused', commit: 'c2', problem: PROBLEM }],
  ] as const)('back to the very state before one that %s, and its trouble is over', async (_what, look) => {
    const { release, trouble, news, types } = await follow(found('c1', 'r1'), look, found('c1', 'r1')).all();
    expect([release, trouble, news, types.at(-1)]).toEqual(['r1', null, 1, 'revision.found']);
  });

  it('and trouble that comes back is told again', async () => {
    const renamed = found('c2', 'broken');
    const { types } = await follow(found('c1', 'r1'), renamed, found('c1', 'r1'), renamed).all();
    expect(types.filter((type) => type === 'revision.invalid')).toHaveLength(2);
  });

  it('after a rewrite, and that is told with both commits', async () => {
    const rewritten = { ...found('c2', 'r2'), rewritten: { from: 'c1', to: 'c2' } };
    expect((await follow(found('c1', 'r1'), rewritten).all()).types).toEqual(['revision.found', 'revision.rewritten', 'revision.found']);
  });

  it('and is told to be there again', async () => {
    const { types, trouble } = await follow({ kind: 'unavailable', problem: PROBLEM }, found('c1', 'r1')).all();
    expect([types, trouble]).toEqual([['source.unavailable', 'source.available', 'revision.found'], null]);
  });

  it('once more, and not more often, if looks are asked for while one is under way', async () => {
    const { follower, asked } = follow(found('c1', 'r1'));
    await Promise.all(Array.from({ length: 5 }, () => follower.look(signal)));
    expect(asked()).toBe(2);
  });
});
