import { type CommandModel, flatten, type OptionModel, type Value } from './model.js';

/** One function per command; a command with children hands over to theirs. */
export function zshCompletion(root: CommandModel): string {
  return `#compdef virtshim
# zsh completion of virtshim
${flatten(root).map(commandFunction).join('\n')}
if [ "$funcstack[1]" = _virtshim ]; then _virtshim "$@"; else compdef _virtshim virtshim; fi
`;
}

const functionName = (path: string): string => `_virtshim${path === '' ? '' : `_${path.replaceAll(' ', '_')}`}`;

function commandFunction(command: CommandModel): string {
  const specs = command.options.map(optionSpec);
  if (command.children.length > 0) return groupFunction(command, specs);
  const operand = operandSpec(command.operand);
  return `${functionName(command.path)}() {
  _arguments -s ${[...specs, ...operand].join(' \\\n    ')}
}`;
}

function groupFunction(command: CommandModel, specs: readonly string[]): string {
  const names = command.children.map((child) => quote(`${child.name}:${child.description}`));
  const cases = command.children.map((child) => `      ${child.name}) ${functionName(child.path)} ;;`);
  return `${functionName(command.path)}() {
  local state line
  local -a children=(${names.join(' ')})
  _arguments -C ${[...specs, `'1: :->child'`, `'*:: :->rest'`].join(' \\\n    ')}
  case $state in
    child) _describe command children ;;
    rest) case $line[1] in
${cases.join('\n')}
    esac ;;
  esac
}`;
}

function optionSpec(option: OptionModel): string {
  const description = option.description.replace(/[[\]:\\]/g, '\\$&');
  const value = option.value === undefined ? '' : `:value:${action(option.value)}`;
  const tail = `[${description}]${value}`;
  if (option.short === undefined) return quote(`${option.long}${tail}`);
  return `{${option.short},${option.long}}${quote(tail)}`;
}

function operandSpec(operand: CommandModel['operand']): string[] {
  if (operand === undefined) return [];
  if (operand === 'command') return [quote('*::command:_normal')];
  return [quote(`1:value:${action(operand)}`)];
}

function action(value: Value): string {
  if (value.kind === 'words') return `(${value.words.join(' ')})`;
  if (value.kind === 'file') return '_files';
  return value.kind === 'folder' ? '_files -/' : ' ';
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
