import { askStatus } from '../control/client.ts';
import type { DaemonPicture } from '../domain/daemon-picture.ts';
import { quarantineOf } from '../domain/holds.ts';
import type { Plan } from '../domain/plan.ts';
import { releaseOfGeneration } from '../stack/release.ts';
import { listGenerations, readHolds } from '../state/index.ts';
import type { CliContext } from './context.ts';
import { say } from './screen.ts';
import { clause } from '../domain/text.ts';

/** Whoever applies by hand beside a daemon is told what that goes past, and whose word counts in the end. Before anything is asked. */
export async function warnOfDaemon(plan: Plan, stateDir: string, context: CliContext): Promise<void> {
  const picture = await askStatus(stateDir);
  if (picture === null || picture.phase === 'suspended') return;
  const past = [...heldBack(plan, picture), ...(await rolledBack(plan, stateDir))];
  const what = `A daemon keeps this stack (pid ${picture.pid}, follows ${picture.follows}).`;
  await say(
    context.stderr,
    [what, ...past, 'Settings other than what it follows are put back by it; to keep them: llmops suspend'].join(' '),
  );
}

/** Changes that wait there. */
function heldBack({ changes }: Plan, { parked, held }: DaemonPicture): readonly string[] {
  const meant = new Set(changes.flatMap(({ model, action }) => (action === 'keep' || action === 'blocked' ? [] : [model])));
  const waiting = parked?.models.filter((model) => meant.has(model)) ?? [];
  const fought = held.filter(({ model }) => meant.has(model)).map(({ model }) => model);
  const wait = parked?.until ? `for its change window until ${parked.until}` : `for an approval (llmops approve ${parked?.key})`;
  return [
    ...(waiting.length === 0 ? [] : [`It has ${waiting.join(', ')} wait ${wait}: this apply goes past that.`]),
    ...(fought.length === 0 ? [] : [`It leaves ${fought.join(', ')} alone, because somebody else changes it back each time.`]),
  ];
}

/** What is declared here and was taken back. */
async function rolledBack({ revision }: Plan, stateDir: string): Promise<readonly string[]> {
  const [{ holds }, generations] = await Promise.all([readHolds(stateDir), listGenerations(stateDir)]);
  const same = generations.filter((one) => one.revision === revision).map((one) => quarantineOf(holds, releaseOfGeneration(one)));
  const bad = same.find((one) => one !== null);
  if (!bad) return [];
  const why = bad.why === null ? '' : ` (${clause(bad.why)})`;
  return [`What is declared here was rolled back by ${bad.by}${why} and is quarantined: this apply goes past that.`];
}
