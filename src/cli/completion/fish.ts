import { placeFlags, type FlagShape, type Shape, type Values, type VerbShape } from './shape.ts';

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, (character) => `\\${character}`)}'`;
}

function action(values: Values, shape: Shape, of?: VerbShape): string {
  if (values.kind === 'words') return `-x -a ${quoted(values.words.join(' '))}`;
  if (values.kind === 'verbs') return `-x -a ${quoted(shape.verbs.map((verb) => verb.name).join(' '))}`;
  if (values.kind === 'models') return `-x -a '(__llmops_models ${of ? placeFlags(of, shape).join(' ') : ''})'`;
  if (values.kind === 'files') return '-r -F';
  return values.kind === 'folders' ? "-x -a '(__fish_complete_directories (commandline -ct))'" : '-x';
}

function flagLine(flag: FlagShape, condition: string, shape: Shape, verb?: VerbShape): string {
  const short = flag.short ? ` -s ${flag.short.slice(1)}` : '';
  const long = flag.long ? ` -l ${flag.long.slice(2)}` : '';
  return `complete -c ${shape.name}${condition}${short}${long}${flag.value ? ` ${action(flag.value, shape, verb)}` : ''} -d ${quoted(flag.description)}`;
}

/** Arguments of a verb: fish offers them wherever no flag's value stands. */
function argumentLines(shape: Shape): readonly string[] {
  return shape.verbs.flatMap((verb) =>
    [...new Set(verb.args.map((arg) => action(arg, shape, verb).replace(/^-[xr] ?/, '')))]
      .filter(Boolean)
      .map((arg) => `complete -c ${shape.name} -n '__llmops_verb_is ${verb.name}' ${arg}`),
  );
}

/** Completion for fish from 3.0 on. */
export function script(shape: Shape): string {
  const takers = shape.flags
    .filter((flag) => flag.value !== null)
    .flatMap((flag) => [flag.short, flag.long])
    .filter((name) => name !== null);
  return `# fish completion for ${shape.name}. Made by \`${shape.name} completion fish\`: make it anew after an update.
# To use it:  ${shape.name} completion fish >~/.config/fish/completions/${shape.name}.fish

# The verb that stands on the line so far.
function __llmops_verb
  set -l words (commandline -opc)
  set -e words[1]
  set -l skip 0
  for word in $words
    if test $skip = 1
      set skip 0
    else if contains -- $word ${takers.join(' ')}
      set skip 1
    else if not string match -q -- '-*' $word
      echo $word
      return 0
    end
  end
  return 1
end

function __llmops_verb_is
  test (__llmops_verb; or echo) = $argv[1]
end

# Names of the models in a stack. The arguments are the flags that say which stack.
function __llmops_models
  set -l words (commandline -opc)
  set -l where
  for i in (seq 2 (count $words))
    if contains -- $words[$i] $argv
      set -a where $words[$i] $words[(math $i + 1)]
    else if contains -- (string replace -r '=.*' '' -- $words[$i]) $argv
      set -a where $words[$i]
    end
  end
  $words[1] completion --models $where 2>/dev/null
end

complete -c ${shape.name} -f
${shape.flags.map((flag) => flagLine(flag, '', shape)).join('\n')}
${shape.verbs.map((verb) => `complete -c ${shape.name} -n 'not __llmops_verb >/dev/null' -a ${verb.name} -d ${quoted(verb.description)}`).join('\n')}
${shape.verbs.flatMap((verb) => verb.flags.map((flag) => flagLine(flag, ` -n '__llmops_verb_is ${verb.name}'`, shape, verb))).join('\n')}
${argumentLines(shape).join('\n')}
`;
}
