import type { Generation } from '../../domain/generation.ts';
import { age } from '../../render/format/units.ts';
import { clean } from '../../render/text/clean.ts';
import { readEvents } from '../../state/index.ts';

/** Which generation is meant, as people know it: `Back to generation 17 (2 h ago, by alice@gpu-box, commit 7c1e2aa "chat: 768")`. */
export async function wayHeader({ number, startedAt, who, source }: Generation, stateDir: string, now: string): Promise<string> {
  const ago = age(startedAt, now);
  const commit = source.commit === null ? [] : [await named(source.commit, stateDir)];
  return clean(`Back to generation ${number} (${[ago === null ? startedAt : `${ago} ago`, `by ${who}`, ...commit].join(', ')})`);
}

/** Its subject stands in what the daemon told when it came: git is not asked. */
async function named(commit: string, stateDir: string): Promise<string> {
  const events = (await readEvents(stateDir, Infinity)) as readonly { readonly commit?: unknown; readonly subject?: unknown }[];
  const subject = events.findLast((one) => one.commit === commit && typeof one.subject === 'string')?.subject;
  const short = commit.replace(/^[0-9a-f]{8,}/, (name) => name.slice(0, 7));
  return `commit ${short}${subject === undefined ? '' : ` "${String(subject)}"`}`;
}
