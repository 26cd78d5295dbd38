import { spellings, type FlagShape, type Shape, type Values } from './shape.ts';

/** What the script below understands: the kind, then its words. */
function encoded(values: Values, shape: Shape): string {
  if (values.kind === 'words') return `words ${values.words.join(' ')}`;
  if (values.kind === 'verbs') return `words ${shape.verbs.map((verb) => verb.name).join(' ')}`;
  return values.kind;
}

function valueCases(scope: string, flags: readonly FlagShape[], shape: Shape): readonly string[] {
  return flags.flatMap((flag) =>
    flag.value === null
      ? []
      : [
          `    ${spellings(flag)
            .map((name) => `'${scope} ${name}'`)
            .join('|')}) _llmops_kind='${encoded(flag.value, shape)}' ;;`,
        ],
  );
}

function flagWords(flags: readonly FlagShape[]): string {
  return [...new Set(flags.flatMap(spellings))].join(' ');
}

/** Completion for bash from 3.2 on (macOS has no newer one). */
export function script(shape: Shape): string {
  const globals = flagWords(shape.flags);
  return `# bash completion for ${shape.name}. Made by \`${shape.name} completion bash\`: make it anew after an update.
# To use it:  source <(${shape.name} completion bash)

# What stands after a flag: $1 verb, $2 flag. Empty: the flag stands alone.
_llmops_value() {
  _llmops_kind=
  case "$1 $2" in
${shape.verbs.flatMap((verb) => valueCases(verb.name, verb.flags, shape)).join('\n')}
  esac
  [ -n "$_llmops_kind" ] && return
  case " $2" in
${valueCases('', shape.flags, shape).join('\n')}
  esac
}

# What stands at a verb's argument: $1 verb, $2 how many came before.
_llmops_argument() {
  _llmops_kind=
  case "$1 $2" in
${shape.verbs.flatMap((verb) => verb.args.map((arg, index) => `    '${verb.name} '${verb.variadic && index === verb.args.length - 1 ? '*' : index}) _llmops_kind='${encoded(arg, shape)}' ;;`)).join('\n')}
  esac
}

_llmops_flags() {
  case "$1" in
${shape.verbs.map((verb) => `    ${verb.name}) echo '${flagWords([...verb.flags, ...shape.flags])}' ;;`).join('\n')}
    *) echo '${globals}' ;;
  esac
}

_llmops() {
  local cur=\${COMP_WORDS[COMP_CWORD]} verb= pending= literal= word i position=0 _llmops_kind IFS=$' \\t\\n'
  local where=()
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [ "$word" = = ]; then continue; fi # bash splits --flag=value into three words
    if [ -n "$pending" ]; then
      case $pending in -C|--chdir|-f|--file|--env) where+=("$pending" "\${word/#\\~\\//$HOME/}") ;; esac
      pending=
    elif [ -z "$literal" ] && [ "$word" = -- ]; then literal=1
    elif [ -z "$literal" ] && [[ $word == -* ]]; then
      _llmops_value "$verb" "$word"
      [ -n "$_llmops_kind" ] && pending=$word
    elif [ -z "$verb" ]; then verb=$word
    else position=$((position + 1))
    fi
  done
  if [ -n "$pending" ]; then
    _llmops_value "$verb" "$pending"
    [ "$cur" = = ] && cur=
  elif [ -z "$literal" ] && [[ $cur == -* ]]; then _llmops_kind="words $(_llmops_flags "$verb")"
  elif [ -z "$verb" ]; then _llmops_kind='words ${shape.verbs.map((verb) => verb.name).join(' ')}'
  else _llmops_argument "$verb" "$position"
  fi
  case $_llmops_kind in
    words*) COMPREPLY=($(compgen -W "\${_llmops_kind#words }" -- "$cur")) ;;
    models)
      local self=\${COMP_WORDS[0]/#\\~\\//$HOME/}
      COMPREPLY=($(compgen -W "$("$self" completion --models "\${where[@]}" 2>/dev/null)" -- "$cur"))
      ;;
    files) IFS=$'\\n' COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null ;;
    folders) IFS=$'\\n' COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null ;;
  esac
}
complete -F _llmops ${shape.name}
`;
}
