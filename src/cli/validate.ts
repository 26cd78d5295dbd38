import type { Desired, Inert } from '../domain/desired.ts';
import { errorsIn, type Problem } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { EXIT, failure } from './exit.ts';
import { packageInfo } from './package-info.ts';
import { environmentOf, readStack } from '../stack/read-stack.ts';
import { lineScreenOf, print } from './screen.ts';

export interface ValidateFlags extends StackFlags {
  readonly format: 'text' | 'json' | 'sarif' | 'github' | 'junit';
  readonly detailedExitcode?: boolean;
}

/**
 * `llmops validate`: everything that is wrong with the file, found without asking an engine or the network. The
 * findings are the result, so they go to stdout in every format. With an environment the file is checked both without
 * and with its overlay.
 */
export async function run(context: CliContext, flags: ValidateFlags): Promise<number> {
  const environment = environmentOf(context, flags);
  const base = await readStack(context, flags, null);
  const asked = environment === null ? base : await readStack(context, flags, environment);
  const problems = withoutRepeats([...base.problems, ...(asked === base ? [] : asked.problems)]);
  const desired = errorsIn(problems).length === 0 ? asked.desired : null;
  await print(context.stdout, await rendered(problems, desired, base.paths.shown, context, flags));
  return desired ? EXIT.ok : failure(EXIT.invalidConfig, flags.detailedExitcode);
}

/** The base and its overlay share most lines, and so their mistakes. */
function withoutRepeats(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

async function rendered(
  problems: readonly Problem[],
  desired: Desired | null,
  file: string,
  context: CliContext,
  flags: ValidateFlags,
): Promise<string> {
  const render = await import('../render/problems.ts');
  switch (flags.format) {
    case 'json':
      return render.renderProblemsJson([...problems, ...(desired?.inert ?? []).map(asProblem)]);
    case 'sarif':
      return render.renderProblemsSarif(problems, { version: packageInfo().version });
    case 'github':
      return render.renderProblemsGithub(problems);
    case 'junit':
      return render.renderProblemsJunit(problems, { file });
    case 'text':
      return [
        render.renderProblemsText(problems, lineScreenOf(context.stdout, context, flags)),
        ...(desired ? [verdict(desired), ...inertNotes(desired.inert)] : []),
      ]
        .filter(Boolean)
        .join('\n');
  }
}

function verdict(desired: Desired): string {
  const file = `${desired.file}${desired.environment === null ? '' : ` with environment ${desired.environment}`}`;
  return `${file} is valid: ${counted(desired.models.length, 'model')} on ${counted(desired.backends.length, 'backend')}.`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function inertNotes(inert: readonly Inert[]): readonly string[] {
  if (inert.length === 0) return [];
  const width = Math.max(...inert.map(({ path }) => path.length));
  return [
    '',
    'Declared, valid, and not acted on by this version:',
    ...inert.map(({ path, reason, place }) => `  ${path.padEnd(width)}  ${reason}${place ? ` (line ${place.line})` : ''}`),
  ];
}

function asProblem(inert: Inert): Problem {
  return { severity: 'info', code: 'not-acted-on', summary: `${inert.path}: ${inert.reason}`, ...(inert.place && { place: inert.place }) };
}
