import { ProblemError } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { EXIT } from './exit.ts';
import { readStack } from '../stack/read-stack.ts';
import { print } from './screen.ts';

/** The shells that `completion` writes for. */
export type Shell = 'bash' | 'zsh' | 'fish';

/**
 * `llmops completion bash|zsh|fish`: a script with every verb, flag and choice in it, made from the very declarations
 * that parse them. With `--models` (what the scripts call) the names of the stack's models, one per line.
 */
export async function run(
  context: CliContext,
  flags: StackFlags & { readonly models?: boolean },
  args: readonly string[],
): Promise<number> {
  if (flags.models) return printModels(context, flags);
  const shell = args[0] as Shell | undefined;
  if (!shell)
    throw new ProblemError({
      code: 'no-shell',
      summary: 'Which shell is the script for?',
      fix: 'Type `llmops completion bash`, zsh or fish.',
    });
  const [{ buildProgram }, { shapeOf }, { script }] = await Promise.all([
    import('./program.ts'),
    import('./completion/shape.ts'),
    scripts[shell](),
  ]);
  await print(context.stdout, script(shapeOf(buildProgram(context, '', () => undefined))));
  return EXIT.ok;
}

const scripts = {
  bash: () => import('./completion/bash.ts'),
  zsh: () => import('./completion/zsh.ts'),
  fish: () => import('./completion/fish.ts'),
} as const;

/** Nothing, and no complaint, where there is no valid stack: a half-typed line must not fill with errors. */
async function printModels(context: CliContext, flags: StackFlags): Promise<number> {
  const stack = await readStack(context, flags).catch(() => null);
  await print(context.stdout, (stack?.desired?.models ?? []).map((model) => model.name).join('\n'));
  return EXIT.ok;
}
