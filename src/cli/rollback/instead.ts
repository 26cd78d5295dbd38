import type { DaemonPicture } from '../../domain/daemon-picture.ts';
import { quarantineOf, suspendedAt, WHOLE_STACK, type Holds, type Mark } from '../../domain/holds.ts';
import type { Problem } from '../../domain/problem.ts';
import { releaseOfGeneration } from '../../stack/release.ts';
import type { Way } from './way.ts';
import { clause } from '../../domain/text.ts';

/** What people hold by now, and what the daemon said of itself before that was read. `wallMs`: milliseconds since 1970. */
export interface Meanwhile {
  readonly holds: Holds;
  readonly picture: DaemonPicture;
  readonly wallMs: number;
}

/** What became of a way back that is not gone to its end, because somebody came after whoever asked for it; null: it is. Pure. */
export function insteadOf({ to, left }: Pick<Way, 'to' | 'left'>, { holds, picture, wallMs }: Meanwhile): Problem | null {
  const { pin, resumed } = holds;
  const suspension = suspendedAt(holds, wallMs).get(WHOLE_STACK);
  if (pin !== null && pin.generation !== to.number) return superseded(`${said(pin)} went back to generation ${pin.generation} meanwhile.`);
  if (suspension)
    return {
      severity: 'error',
      code: 'superseded',
      summary: `${said(suspension)} suspended the stack meanwhile. Generation ${to.number} is held, and not gone to before that ends.`,
      fix: 'Go on: llmops resume',
    };
  const { newest } = picture;
  const isFree = newest !== null && quarantineOf(holds, newest.release) === null;
  if (isFree && newest.release === releaseOfGeneration(to)) return null; // what is declared is what is gone to
  const isLifted = left.some(({ release }) => quarantineOf(holds, release) === null) || (pin === null && newest === null);
  if (isLifted) return superseded(`${resumed === null ? 'Somebody' : said(resumed)} lifted the way back meanwhile: llmops resume.`);
  if (!isFree) return null;
  const named = newest.commit === null ? `Release ${newest.release}` : `Commit ${newest.commit.slice(0, 7)} "${newest.subject ?? ''}"`;
  return superseded(`${named} came meanwhile, and the newest release counts.`);
}

function superseded(what: string): Problem {
  return { severity: 'error', code: 'superseded', summary: what, fix: 'See what the daemon works towards: llmops status' };
}

function said({ by, why }: Mark): string {
  return why === null ? by : `${by} (${clause(why)})`;
}
