import { ProblemError } from '../../domain/problem.ts';
import { pathIn } from '../../stack/paths.ts';
import { readState } from '../../state/index.ts';
import type { Store } from '../../store/index.ts';
import type { CliContext, StackFlags } from '../context.ts';
import { notOnRecord, stillInUse } from './problems.ts';

/** Takes stacks off the record whose state is gone for good. One that is there and has models is refused, before any is forgotten. */
export async function forgetStacks(folders: readonly string[], store: Store, context: CliContext, flags: StackFlags): Promise<void> {
  const stateDirs = folders.map((folder) => pathIn(context, flags, folder));
  const known = new Set((await store.users()).users.map(({ stateDir }) => stateDir));
  for (const stateDir of stateDirs) {
    if (!known.has(stateDir)) throw new ProblemError(notOnRecord(stateDir));
    // One that cannot be read is forgotten: who names it knows better.
    const models = await readState(stateDir).then(
      ({ inventory }) => Object.keys(inventory.models).length,
      () => 0,
    );
    if (models > 0) throw new ProblemError(stillInUse(stateDir, models));
  }
  for (const stateDir of stateDirs) await store.forgetUser(stateDir);
}
