import type { Argument, Command, Option } from 'commander';

/** What can stand at a place of the command line. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'models' | 'files' | 'folders' | 'verbs' | 'anything' };

export interface FlagShape {
  /** With dashes: `-o`. */
  readonly short: string | null;
  /** With dashes: `--out`. */
  readonly long: string | null;
  readonly description: string;
  /** Null: it stands alone. */
  readonly value: Values | null;
}

export interface VerbShape {
  readonly name: string;
  readonly description: string;
  readonly flags: readonly FlagShape[];
  /** Arguments in their order; the last one repeats if `variadic`. */
  readonly args: readonly Values[];
  readonly variadic: boolean;
}

/** The whole command line as data. */
export interface Shape {
  readonly name: string;
  /** Flags that stand before or after any verb. */
  readonly flags: readonly FlagShape[];
  readonly verbs: readonly VerbShape[];
}

/** Reads the shape off the declarations. What a placeholder stands for is told by its name: `<model>`, `[files...]`, `<folder>`. */
export function shapeOf(program: Command): Shape {
  const help = program.createHelp();
  return {
    name: program.name(),
    flags: help.visibleOptions(program).map(flagOf),
    verbs: help.visibleCommands(program).map((command) => ({
      name: command.name(),
      description: command.description(),
      flags: command.createHelp().visibleOptions(command).map(flagOf),
      args: command.registeredArguments.map(argumentOf),
      variadic: command.registeredArguments.at(-1)?.variadic ?? false,
    })),
  };
}

function flagOf(option: Option): FlagShape {
  const placeholder = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1];
  const takesValue = option.required || option.optional;
  return {
    short: option.short ?? null,
    long: option.long ?? null,
    description: option.description,
    value: takesValue ? valuesOf(placeholder ?? '', option.argChoices) : null,
  };
}

function argumentOf(argument: Argument): Values {
  return valuesOf(argument.name(), argument.argChoices);
}

function valuesOf(placeholder: string, choices: readonly string[] | undefined): Values {
  if (choices) return { kind: 'words', words: choices };
  if (/\bmodels?\b/.test(placeholder)) return { kind: 'models' };
  if (/\b(?:files?|snapshot)\b/.test(placeholder)) return { kind: 'files' };
  if (/\bfolder\b/.test(placeholder)) return { kind: 'folders' };
  return { kind: /\bverb\b/.test(placeholder) ? 'verbs' : 'anything' };
}

/** Long and short spellings of a flag that are there. */
export function spellings(flag: FlagShape): readonly string[] {
  return [flag.short, flag.long].filter((name) => name !== null);
}

/** Flags of a verb that say which stack is meant. Names of models depend on them. `logs -f` is none: there it follows. */
export function placeFlags(verb: VerbShape, shape: Shape): readonly string[] {
  const places = ['--chdir', '--file', '--env'];
  return [...shape.flags, ...verb.flags]
    .filter((flag) => flag.value !== null && flag.long !== null && places.includes(flag.long))
    .flatMap(spellings);
}
