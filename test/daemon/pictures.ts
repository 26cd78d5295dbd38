import { pictureOf, type Sitting } from '../../src/daemon/picture.ts';
import { NOTHING, type Standing } from '../../src/daemon/loop-parts.ts';
import type { Release } from '../../src/daemon/types.ts';
import type { DaemonPicture } from '../../src/domain/daemon-picture.ts';
import { NO_HOLDS, type Holds } from '../../src/domain/holds.ts';
import type { Problem } from '../../src/domain/problem.ts';

const NOW_MS = Date.parse('2026-03-08T12:00:00.000Z');
const COMMIT = '7c1e2aa07c1e2aa07c1e2aa07c1e2aa07c1e2aa0';
const MARK = { by: 'alice@lab', at: '2026-03-08T11:50:00.000Z', why: 'moving house' };
const RELEASE = { id: '2efae455cd5a', commit: COMMIT, about: { subject: 'chat: 768' } } as unknown as Release;

export const problem = (code: string, summary: string, more: Partial<Problem> = {}): Problem => ({
  severity: 'error',
  code,
  summary,
  ...more,
});

interface Told {
  readonly standing?: Partial<Standing>;
  readonly holds?: Partial<Holds>;
  readonly trouble?: Sitting['trouble'];
  readonly release?: Release | null;
}

/** A daemon for which all is well, but for what is told. */
export function picture({ standing = {}, holds = {}, trouble = null, release = RELEASE }: Told = {}): DaemonPicture {
  const well = {
    ...NOTHING,
    target: { kind: 'release', id: RELEASE.id },
    phase: 'idle',
    roundMs: 12,
    holds: { ...NO_HOLDS, ...holds },
  } as const;
  return pictureOf({
    pid: 4711,
    who: 'alice@lab',
    since: '2026-03-08T11:00:00.000Z',
    follows: 'main of origin',
    release,
    trouble,
    standing: { ...well, ...standing },
    isStopping: false,
    outdated: [],
    wallMs: NOW_MS,
    monotonicMs: 1_000_000,
  });
}

const parked = (untilMs: number | null): Partial<Standing> => ({
  parked: {
    key: 'abcdef012345',
    why: untilMs === null ? 'Every change is to be approved. It waits for: llmops approve abcdef012345' : 'No change window is open.',
    summary: 'update chat.',
    untilMs,
    covers: [],
  },
  parkedModels: ['chat'],
  left: ['chat'],
});
const troubled = (kind: 'invalid' | 'refused' | 'unavailable', one: Problem): NonNullable<Sitting['trouble']> => ({
  kind,
  commit: null,
  problems: [one],
  sinceMs: 1_000_000 - 180_000,
});
const unsigned = problem('git-unsigned', 'Commit e5ca7a7a065f is not signed, so it is not used.', { fix: 'Sign it and push.' });
const away = problem('git-unavailable', 'The repository git@example.org:ops.git cannot be asked: no route to host.', {
  fix: 'It is asked again by itself. Until then the last state that was seen counts on.',
});
const bad = { ...MARK, why: 'answers in French', release: RELEASE.id, commit: COMMIT, generation: 18 };

/** What a daemon can be at, by what a person would call it. */
export const PICTURES: Readonly<Record<string, DaemonPicture>> = {
  'all is well': picture(),
  'it applies': picture({ standing: { phase: 'applying', left: ['chat'] } }),
  'two managers fight': picture({
    standing: { held: [{ model: 'desk2', field: 'context', why: 'It was put right 3 times.' }], left: ['desk2'] },
  }),
  'a start fails for good': picture({
    standing: {
      blocked: [
        problem(
          'failed-before',
          'chat is left as it is: exactly this failed in generation 3. It failed so: unknown argument --no-such-flag.',
          {
            fix: 'Change models.chat, or try it again: llmops apply --target chat',
            model: 'chat',
          },
        ),
      ],
      left: ['chat'],
    },
  }),
  'a plan waits for a person': picture({ standing: parked(null) }),
  'a plan waits for a window': picture({ standing: parked(NOW_MS + 3_600_000) }),
  'a commit is not signed': picture({ trouble: troubled('refused', unsigned) }),
  'a file is not valid': picture({
    trouble: {
      kind: 'invalid',
      commit: COMMIT,
      sinceMs: 1_000_000 - 180_000,
      problems: [4, 6, 7, 9].map((at) =>
        problem('unknown-key', `line ${at} has a key that nobody knows`, {
          place: { file: 'llmops.yaml', line: at, column: 1 },
          ...(at === 4 && { fix: 'Did you mean `context`?' }),
        }),
      ),
    },
  }),
  'git is away': picture({ trouble: troubled('unavailable', away) }),
  'git is away while a plan waits': picture({ trouble: troubled('unavailable', away), standing: parked(null) }),
  'git was away from the beginning': picture({ trouble: troubled('unavailable', away), release: null }),
  'the stack is suspended': picture({
    standing: { phase: 'suspended' },
    holds: { suspended: { '*': { ...MARK, until: null } } },
  }),
  'a model is suspended that has crashed': picture({
    standing: { left: ['chat'] },
    holds: { suspended: { chat: { ...MARK, until: '2026-03-08T14:00:00.000Z' } } },
  }),
  'a release was rolled back': picture({
    standing: { target: { kind: 'generation', number: 17 } },
    holds: { quarantined: [bad], pin: { ...bad, generation: 17 } },
    trouble: troubled('refused', unsigned),
  }),
  'a guard stands in': picture({
    release: null,
    standing: { target: { kind: 'in-force', quarantine: null } },
    trouble: troubled(
      'unavailable',
      problem('no-daemon', 'A guard stands in for an llmops up that is gone.', { fix: 'Start it again: llmops up' }),
    ),
  }),
};
