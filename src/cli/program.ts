import { Argument, Command, CommanderError, Option } from 'commander';
import type { CliContext } from './context.ts';
import { collect, positive } from './flag-values.ts';
import { moment } from './moment.ts';
import type { AddVerb, Load } from './add-verb.ts';
import { daemonVerbs } from './program-daemon.ts';
import { ADOPT, applyingFlags, NO_COLOR, observeTimeout, planningFlags, stackFlags, without } from './verb-flags.ts';

/**
 * The whole command line, with nothing behind it loaded yet. `finish` gets the exit code of the verb that ran.
 */
export function buildProgram(context: CliContext, version: string, finish: (code: number) => void): Command {
  const program = new Command('llmops')
    .description('Terraform and Argo CD for self-hosted language models: declare models in llmops.yaml, plan, apply.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [verb]', 'show help for a verb')
    .option('-C, --chdir <folder>', 'work as if started in this folder')
    .configureHelp({ sortOptions: false, showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    .configureOutput({ writeOut: (text) => context.stdout.write(text), writeErr: (text) => context.stderr.write(text) })
    .showSuggestionAfterError(true)
    .showHelpAfterError('(type llmops --help for the verbs)')
    .exitOverride();

  /** Adds a verb whose code is loaded on call. */
  function verb(usage: string, summary: string, examples: readonly string[], load: Load): Command {
    const command = program.command(usage).description(summary);
    command.showHelpAfterError(`(type llmops ${command.name()} --help for its flags)`);
    command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`);
    command.action(async (...given: unknown[]) => {
      const self = given.at(-1) as Command;
      const { run } = await load();
      finish(await run(context, self.optsWithGlobals() as never, self.args));
    });
    command.exitOverride();
    return command;
  }

  everyday(verb);
  locking(verb);
  planning(verb);
  daemonVerbs(verb);
  looking(verb);
  helping(verb);
  return program;
}

function everyday(verb: AddVerb): void {
  verb(
    'init',
    'look at this machine and write a first llmops.yaml',
    ['llmops init', 'llmops init -C ~/models', 'llmops init --stdout >first.yaml'],
    () => import('./init.ts'),
  )
    .option('-f, --file <file>', 'where to write (default: llmops.yaml)')
    .option('--stdout', 'print the file instead of writing it')
    .option('--no-color', NO_COLOR);
  importing(verb);
  stackFlags(
    verb(
      'validate',
      'find every mistake in llmops.yaml, with line and column',
      ['llmops validate', 'llmops validate --env prod', 'llmops validate --format sarif >findings.sarif'],
      () => import('./validate.ts'),
    ),
  )
    .addOption(new Option('--format <format>', 'how to report').choices(['text', 'json', 'sarif', 'github', 'junit']).default('text'))
    .option('--detailed-exitcode', 'exit 3 instead of 1 if the file is not valid');
  verb(
    'fmt [files...]',
    'rewrite llmops.yaml in the canonical style',
    ['llmops fmt', 'llmops fmt --check', 'llmops fmt - <llmops.yaml'],
    () => import('./fmt.ts'),
  )
    .option('--check', 'change nothing; exit 1 if a file would change')
    .option('-f, --file <file>', 'the file to format (default: llmops.yaml)')
    .option('--no-color', NO_COLOR);
}

function locking(verb: AddVerb): void {
  stackFlags(
    verb(
      'lock',
      'pin what sources are now: commits, files, digests',
      ['llmops lock', 'llmops lock --check', 'llmops lock --upgrade chat --dry-run', 'llmops lock --upgrade', 'llmops lock --env prod'],
      () => import('./lock.ts'),
    ),
  )
    .option('--upgrade [models...]', 'look up anew what is pinned: these models, or all of them')
    .option('--check', 'ask nobody, change nothing; exit 1 unless llmops.lock holds for llmops.yaml')
    .option('--dry-run', 'look up and show what would change, and write nothing')
    .option('--json', 'as JSON');
}

function importing(verb: AddVerb): void {
  verb(
    'import',
    "write llmops.yaml from a running server or another tool's file",
    [
      'llmops import ollama',
      'llmops import ollama http://box:11434 --out box.yaml',
      'llmops import llama-swap ~/llama-swap/config.yaml --dry-run',
      'llmops import compose --stdout',
    ],
    () => import('./import.ts'),
  )
    .addArgument(new Argument('<source>', 'what to read').choices(['ollama', 'llama-server', 'vllm', 'llama-swap', 'compose', 'litellm']))
    .addArgument(new Argument('[from]', 'address of the server, or path of the file (`-`: standard input); default: where it usually is'))
    .option('-o, --out <file>', 'where to write (default: llmops.yaml); an existing file is never overwritten')
    .option('--stdout', 'print the file instead of writing it')
    .option('--dry-run', 'write nothing; say what would be taken over and what not')
    .option('--json', 'the report as JSON')
    .option('--no-color', NO_COLOR);
}

function planning(verb: AddVerb): void {
  planningFlags(
    stackFlags(
      verb(
        'plan',
        'show what apply would change, and what it costs',
        ['llmops plan', 'llmops plan --out tuesday.plan && llmops apply tuesday.plan', 'llmops plan --format markdown --detailed-exitcode'],
        () => import('./plan.ts'),
      ),
    ),
  )
    .option('--adopt', ADOPT)
    .option('-o, --out <file>', 'save the plan, to be applied exactly')
    .option('--json', 'the plan as one JSON document (schemas/plan.schema.json)')
    .option('--json-into <file>', 'the same JSON into a file, besides the text')
    .addOption(new Option('--format <format>', 'how to show it').choices(['text', 'json', 'markdown']).default('text'))
    .option('--refresh-only', 'only look what was changed outside llmops')
    .option('--destroy', 'plan the removal of everything in the stack')
    .option('--against <snapshot>', 'plan against a recorded snapshot instead of live engines (see: status --snapshot)')
    .option('--concise', 'one line a model')
    .option('--detailed-exitcode', '0 no changes, 1 error, 2 changes; typed failures from 3 on');
  applyingFlags(
    planningFlags(
      stackFlags(
        verb(
          'apply [plan-file]',
          'make the engines match llmops.yaml',
          [
            'llmops apply',
            'llmops apply --auto-approve --json',
            'llmops apply tuesday.plan',
            'llmops apply --adopt',
            'llmops apply -y --supervise',
          ],
          () => import('./apply.ts'),
        ),
      ),
    ),
  )
    .option('--adopt', ADOPT)
    .option('--prefetch-only', 'fetch and verify weights ahead; change nothing that runs')
    .option('--supervise', 'wait for another apply; then stay, whatever came of it, and start anew what crashes, until Ctrl-C');
  const down = stackFlags(
    verb(
      'down',
      'stop what this stack started; asks nothing, keeps files and history',
      ['llmops down', 'llmops down --target chat'],
      () => import('./down.ts'),
    ),
  );
  without(applyingFlags(down), '--auto-approve').option('--target <model>', 'only this model (repeat for several)', collect);
  const destroy = stackFlags(
    verb('destroy', 'end everything for good: as down, but asks first and heeds protect', ['llmops destroy'], () => import('./destroy.ts')),
  );
  without(applyingFlags(planningFlags(destroy)), '--replace');
}

function looking(verb: AddVerb): void {
  const diff = stackFlags(
    verb(
      'diff [from] [to]',
      'desired against observed, or one generation against another',
      ['llmops diff', 'llmops diff 3 4'],
      () => import('./diff.ts'),
    ),
  );
  without(planningFlags(diff), '--allow-destroy');
  stackFlags(
    verb(
      'status [models...]',
      'what is wanted, what engines were told, what is in force, and why',
      ['llmops status', 'llmops status -o wide', 'llmops status --json'],
      () => import('./status.ts'),
    ),
  )
    .addOption(new Option('-o, --output <format>', 'how to show it').choices(['table', 'wide', 'json']).default('table'))
    .option('--json', 'the same as -o json')
    .option('--exit-code', 'exit 2 unless every model is as declared')
    .option('--snapshot <file>', 'record what was seen, for `plan --against`')
    .addOption(observeTimeout());
  stackFlags(
    verb(
      'history',
      'the applied generations: when, who, what, how it ended',
      ['llmops history', 'llmops history --model chat --since 2h', 'llmops history --json'],
      () => import('./history.ts'),
    ),
  )
    .option('-n, --limit <n>', 'how many, newest first', positive, 20)
    .option('--model <name>', 'only what was done to this model')
    .option('--since <when>', 'only what began since then: 2h, 3d, or 2026-03-02T14:05', moment)
    .option('--json', 'as JSON');
  stackFlags(
    verb(
      'show [generation-or-plan-file]',
      'one generation or saved plan, whole',
      ['llmops show', 'llmops show 3', 'llmops show tuesday.plan'],
      () => import('./show.ts'),
    ),
  ).option('--json', 'as JSON');
  stackFlags(
    verb(
      'logs <model>',
      "print the end of an engine's log, and follow it",
      ['llmops logs chat', 'llmops logs -f chat', 'llmops logs --failed chat', 'llmops logs -n 1000 chat >chat.log'],
      () => import('./logs.ts'),
    ),
    '--file <file>',
  )
    .option('-f, --follow', 'go on printing what is added, also by a new copy, until Ctrl-C')
    .option('--failed', 'the log of the copy that failed last when it was started, also after another one was put back')
    .option('-n, --tail <lines>', 'how many of the last lines', positive, 100);
}

function helping(verb: AddVerb): void {
  const cache = verb(
    'cache',
    'the weights that were fetched to this machine, for all stacks',
    [
      'llmops cache ls',
      'llmops cache prune',
      'llmops cache prune --all -y',
      'llmops cache prune --forget /mnt/old/state',
      'llmops cache verify',
    ],
    () => import('./cache.ts'),
  ).addArgument(
    new Argument('<what>', 'ls: list them; prune: remove what no stack uses; verify: read all of it again').choices([
      'ls',
      'prune',
      'verify',
    ]),
  );
  cache
    .option('-f, --file <file>', 'a stack file whose lock also counts as use (default: llmops.yaml)')
    .option('--all', 'with prune: also what a stack uses; it is fetched again when it is needed')
    .option('--forget <folder>', 'with prune: the stack with this state folder is gone for good (repeat for several)', collect)
    .option('-y, --auto-approve', 'with prune: do not ask')
    .option('--json', 'as JSON')
    .option('--no-color', NO_COLOR);
  stackFlags(
    verb(
      'doctor',
      'check this machine and this stack, and say what to mend',
      ['llmops doctor', 'llmops doctor --json'],
      () => import('./doctor.ts'),
    ),
  ).option('--json', 'as JSON');
  const completion = verb(
    'completion',
    'print a completion script for bash, zsh or fish',
    [
      'source <(llmops completion bash)',
      'llmops completion zsh >"${fpath[1]}/_llmops"',
      'llmops completion fish >~/.config/fish/completions/llmops.fish',
    ],
    () => import('./completion.ts'),
  ).addArgument(new Argument('[shell]', 'which shell').choices(['bash', 'zsh', 'fish']));
  completion.addOption(new Option('--models', 'names of models, for the scripts').hideHelp());
  for (const flags of ['-f, --file <file>', '--env <name>']) completion.addOption(new Option(flags, 'with --models').hideHelp());
  verb(
    'version',
    'print the versions of llmops, Node and the plan format',
    ['llmops version', 'llmops version --json', 'llmops version --schema'],
    () => import('./version.ts'),
  )
    .option('--schema', 'only the path of the JSON Schema of llmops.yaml, for editors')
    .option('--json', 'as JSON');
}

export { CommanderError };
