import { describe, expect, it } from 'vitest';
import type { DaemonPicture } from '../../domain/daemon-picture.ts';
import type { Generation } from '../../domain/generation.ts';
import { NO_HOLDS, resume, rollBack, suspend, type Holds } from '../../domain/holds.ts';
import { releaseOfGeneration } from '../../stack/release.ts';
import { insteadOf } from './instead.ts';

const mark = { by: 'alice', at: '2026-01-01T00:00:00Z', why: null };
const to = { number: 1, revision: 'a', source: { text: '', file: '', commit: null } } as unknown as Generation;
const bad = { release: 'bad', commit: null, generation: 2 };
const way = { to, left: [bad] };
const held = rollBack(NO_HOLDS, { ...mark, generation: 1 }, { ...mark, ...bad });

function instead(holds: Holds, newest: string | null): string | null {
  const picture = { newest: newest && { release: newest, commit: null, subject: null } } as DaemonPicture;
  return insteadOf(way, { holds, picture, wallMs: Date.parse(mark.at) })?.summary ?? null;
}

describe('A way back is gone to its end', () => {
  it.each([
    ['as long as it is held', held, 'bad'],
    ['while nobody knows what is declared', held, null],
    ['where that is declared by now', { ...held, pin: null }, releaseOfGeneration(to)],
    ['where that is declared by now, and somebody lifts it', { ...NO_HOLDS, resumed: mark }, releaseOfGeneration(to)],
    ['though somebody did as much', rollBack(held, { ...mark, by: 'bob', generation: 1 }, null), 'bad'],
    ['though one model is suspended', suspend(held, ['chat'], { ...mark, until: null }), 'bad'],
  ])('%s', (_why, holds, newest) => expect(instead(holds, newest)).toBeNull());
});

describe('A way back is not gone to its end', () => {
  it.each([
    ['somebody goes elsewhere', rollBack(held, { ...mark, by: 'bob', generation: 2 }, null), 'bad', /^bob went back to generation 2/],
    ['the stack is suspended', suspend(held, [], { ...mark, until: null }), 'bad', /^alice suspended the stack/],
    ['it is lifted', resume(held, { names: [], rollback: true }, mark), 'bad', /^alice lifted the way back/],
    ['it is lifted while nobody knows what is declared', resume(held, { names: [], rollback: true }, mark), null, /^alice lifted/],
    ['another release comes', held, 'new', /^Release new came/],
    ['another release came, and the daemon has said so', { ...held, pin: null }, 'new', /^Release new came/],
  ])('where %s', (_why, holds, newest, words) => expect(instead(holds, newest)).toMatch(words));
});
