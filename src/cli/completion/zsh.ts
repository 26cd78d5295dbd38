import { placeFlags, type FlagShape, type Shape, type Values } from './shape.ts';

/** Text inside a spec of _arguments or _describe, in single quotes: colons and brackets would end it. */
function quoted(text: string): string {
  return text.replace(/[\\:[\]]/g, (character) => `\\${character}`).replaceAll("'", `'\\''`);
}

function action(values: Values): string {
  if (values.kind === 'words') return `value:(${values.words.join(' ')})`;
  if (values.kind === 'models') return 'model:_llmops_models';
  if (values.kind === 'files') return 'file:_files';
  if (values.kind === 'folders') return 'folder:_files -/';
  return values.kind === 'verbs' ? 'verb:_llmops_verbs' : 'value:';
}

/** One spec per spelling; each excludes the other, and `*` lets repeatable ones come again. */
function specs(flag: FlagShape): readonly string[] {
  const names = [flag.short, flag.long].filter((name) => name !== null);
  const repeats = /repeat/.test(flag.description);
  const before = repeats ? '*' : names.length > 1 ? `(${names.join(' ')})` : '';
  return names.map((name) => {
    const separator = flag.value === null ? '' : name.startsWith('--') ? '=' : '+';
    return `'${before}${name}${separator}[${quoted(flag.description)}]${flag.value === null ? '' : `:${action(flag.value)}`}'`;
  });
}

/** Lines of one command, indented to the column. */
function join(lines: readonly string[], indent: string): string {
  return lines.map((line) => `${indent}${line}`).join(' \\\n');
}

/** Completion for zsh, as a function file or sourced. */
export function script(shape: Shape): string {
  const globals = shape.flags.flatMap(specs);
  const verbs = shape.verbs.map((verb) => {
    const args = verb.args.map(
      (arg, index) => `'${verb.variadic && index === verb.args.length - 1 ? '*' : `${index + 1}`}:${action(arg)}'`,
    );
    return `        ${verb.name})\n          llmops_places=(${placeFlags(verb, shape).join(' ')})\n          _arguments -s \\\n${join([...new Set([...verb.flags.flatMap(specs), ...globals, ...args])], '            ')}\n          ;;`;
  });
  return `#compdef ${shape.name}
# zsh completion for ${shape.name}. Made by \`${shape.name} completion zsh\`: make it anew after an update.
# To use it:  ${shape.name} completion zsh >"\${fpath[1]}/_${shape.name}"   or   source <(${shape.name} completion zsh)

# $llmops_places: the flags that say which stack; $llmops_words: the whole line.
_llmops_models() {
  local -a where names
  local i
  for ((i = 2; i < $#llmops_words; i++)); do
    if (( \${llmops_places[(Ie)\${llmops_words[i]}]} )); then where+=("\${llmops_words[i]}" "\${(Q)llmops_words[i+1]/#\\~\\//$HOME/}")
    elif [[ \${llmops_words[i]} == --*=* ]] && (( \${llmops_places[(Ie)\${llmops_words[i]%%=*}]} )); then where+=("\${(Q)llmops_words[i]}")
    fi
  done
  names=(\${(f)"$("\${(Q)llmops_words[1]/#\\~\\//$HOME/}" completion --models "\${where[@]}" 2>/dev/null)"})
  compadd -a names
}

_llmops_verbs() {
  local -a verbs=(
${shape.verbs.map((verb) => `    '${verb.name}:${quoted(verb.description)}'`).join('\n')}
  )
  _describe verb verbs
}

_llmops() {
  local context state state_descr line
  local -a llmops_places llmops_words=("\${(@)words[1,CURRENT]}")
  typeset -A opt_args
  _arguments -C -s \\
${join([...globals, "'1:verb:_llmops_verbs'", "'*::argument:->rest'"], '    ')} && return
  case $state in
    rest)
      case $line[1] in
${verbs.join('\n')}
      esac
      ;;
  esac
}

if [[ $funcstack[1] == _${shape.name} ]]; then _${shape.name} "$@"; else compdef _${shape.name} ${shape.name}; fi
`;
}
