import { basename, dirname, join } from 'node:path';
import type { CliContext } from './context.ts';
import { safeName } from './first-file.ts';
import { stateHomeOf, type StackPaths } from '../stack/paths.ts';

/** What a new stack is called. */
export interface StackName {
  readonly name: string;
  /** The name that its folder suggests and the file that has it already; null: it is that very name. */
  readonly taken: { readonly name: string; readonly owner: string } | null;
}

/** The name of a stack names its state: a new file gets one that no other file has. Looks at states and changes none. */
export async function nameForNew(context: CliContext, { baseDir, file }: StackPaths): Promise<StackName> {
  const { ownerOfName } = await import('../state/index.ts');
  const first = safeName(basename(baseDir), 'models');
  const home = homeOf(context);
  let taken: StackName['taken'] = null;
  for (const name of namesFrom(first, safeName(basename(dirname(baseDir)), ''))) {
    const dir = join(home ?? '', name);
    const owner = home === null ? null : await ownerOfName(dir, file).catch(() => dir);
    if (owner === null) return { name, taken };
    taken ??= { name, owner };
  }
  throw new Error('unreachable: there is always a next number');
}

/** null: without a home there are no states, and every name is free. */
function homeOf(context: CliContext): string | null {
  try {
    return stateHomeOf(context);
  } catch {
    return null;
  }
}

/** `shop`, `berlin-shop`, `shop-2`, `shop-3` ... */
function* namesFrom(first: string, parent: string): Generator<string> {
  yield first;
  if (parent !== '') yield safeName(`${parent}-${first}`, first);
  for (let number = 2; ; number += 1) yield `${first.slice(0, 34)}-${number}`;
}
