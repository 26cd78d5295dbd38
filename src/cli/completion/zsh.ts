import { type FlagShape, type Shape, type Values } from './shape.ts';

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

/** Completion for zsh, as a function file or sourced. */
export function script(shape: Shape): string {
  const globals = shape.flags.flatMap(specs);
  const join = (lines: readonly string[], indent: string): string => lines.map((line) => `${indent}${line}`).join(' \\\n');
  const verbs = shape.verbs.map((verb) => {
    const args = verb.args.map((arg, index) => `'${verb.variadic && index === verb.args.length - 1 ? '*' : `${index + 1}`}:${action(arg)}'`);
    return `        ${verb.name})\n          _arguments -s \\\n${join([...verb.flags.flatMap(specs), ...globals, ...args], '            ')}\n          ;;`;
  });
  return `#compdef ${shape.name}
# zsh completion for ${shape.name}. Made by \`${shape.name} completion zsh\`: make it anew after an update.
# To use it:  ${shape.name} completion zsh >"\${fpath[1]}/_${shape.name}"   or   source <(${shape.name} completion zsh)

_llmops_models() {
  local -a where names
  local i
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      -C|--chdir|-f|--file|--env) where+=("$words[i]" "\${(Q)words[i+1]}") ;;
      --chdir=*|--file=*|--env=*) where+=("\${(Q)words[i]}") ;;
    esac
  done
  names=(\${(f)"$(_call_program models \${(q)llmops_self:-${shape.name}} completion --models "\${(q)llmops_where[@]}" "\${(q)where[@]}" 2>/dev/null)"})
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
  local -a llmops_where
  local llmops_self=\${(Q)words[1]}
  typeset -A opt_args
  _arguments -C -s \\
${join([...globals, "'1:verb:_llmops_verbs'", "'*::argument:->rest'"], '    ')} && return
  [[ -n \${opt_args[-C]-\${opt_args[--chdir]-}} ]] && llmops_where=(-C "\${(Q)opt_args[-C]:-\${(Q)opt_args[--chdir]}}")
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
