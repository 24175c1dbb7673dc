import { type CommandModel, flatten, type OptionModel, type Value } from './model.js';

/** The function finds the deepest command on the line, then offers its options, its children or its operand. */
export function bashCompletion(root: CommandModel): string {
  const commands = flatten(root);
  const paths = commands.map((command) => command.path).filter((path) => path !== '');
  return `# bash completion of virtshim
_virtshim() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path= word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $path = run && ( $word = -- || ( $word != -* && \${COMP_WORDS[i-1]} != -* ) ) ]]; then
      [[ $word = -- ]] && ((i++))
      if declare -F _command_offset >/dev/null; then _command_offset "$i"; else COMPREPLY=($(compgen -c -- "$current")); fi
      return
    fi
    case "\${path:+$path }$word" in
      ${paths.map((path) => `'${path}'`).join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case $path in
${commands.map(commandCase).join('\n')}
  esac
}
complete -F _virtshim virtshim
`;
}

function commandCase(command: CommandModel): string {
  const withValues = command.options.filter((option) => option.value !== undefined);
  const valueCases = withValues.map(
    (option) => `        ${namesOf(option).join('|')}) ${reply(option.value)}; return ;;`,
  );
  const words = [...command.children.map((child) => child.name), ...command.options.map((option) => option.long)];
  return `    '${command.path}')
      case $previous in
${valueCases.join('\n')}
      esac
      if [[ $current = -* ]]; then COMPREPLY=($(compgen -W '${words.filter((word) => word.startsWith('-')).join(' ')}' -- "$current"))
      else ${operandReply(command)}; fi ;;`;
}

function operandReply(command: CommandModel): string {
  if (command.children.length > 0) return wordsReply(command.children.map((child) => child.name));
  if (command.operand === 'command') return 'COMPREPLY=($(compgen -c -- "$current"))';
  return reply(command.operand);
}

function reply(value: Value | undefined): string {
  if (value === undefined || value.kind === 'text') return ':';
  if (value.kind === 'words') return wordsReply(value.words);
  const list = value.kind === 'file' ? '-f' : '-d';
  return `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen ${list} -- "$current")`;
}

const wordsReply = (words: readonly string[]): string => `COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$current"))`;

const namesOf = (option: OptionModel): string[] =>
  option.short === undefined ? [option.long] : [option.short, option.long];
