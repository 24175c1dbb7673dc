import { type CommandModel, flatten, type OptionModel, type Value } from './model.js';

export function fishCompletion(root: CommandModel): string {
  return `# fish completion of virtshim
complete -c virtshim -f
${flatten(root).flatMap(commandLines).join('\n')}
`;
}

function commandLines(command: CommandModel): string[] {
  const when = condition(command);
  const base = `complete -c virtshim -n ${quote(when)}`;
  const children = command.children.map((child) => `${base} -a ${child.name} -d ${quote(child.description)}`);
  const options = command.options.map((option) => `${base} ${optionArguments(option)}`);
  return [...children, ...options, ...operandLines(base, command.operand)];
}

/** True where exactly this command stands on the line and none of its children. */
function condition(command: CommandModel): string {
  const seen = command.path
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => `__fish_seen_subcommand_from ${word}`);
  const names = command.children.map((child) => child.name);
  const notBelow = names.length === 0 ? [] : [`not __fish_seen_subcommand_from ${names.join(' ')}`];
  return [...seen, ...notBelow].join('; and ') || 'true';
}

function optionArguments(option: OptionModel): string {
  const short = option.short === undefined ? '' : `-s ${option.short.slice(1)} `;
  const value = option.value === undefined ? '' : ` ${valueArguments(option.value)}`;
  return `${short}-l ${option.long.slice(2)} -d ${quote(option.description)}${value}`;
}

function valueArguments(value: Value): string {
  if (value.kind === 'words') return `-x -a ${quote(value.words.join(' '))}`;
  if (value.kind === 'file') return '-r -F';
  return value.kind === 'folder' ? `-x -a ${quote('(__fish_complete_directories)')}` : '-x';
}

function operandLines(base: string, operand: CommandModel['operand']): string[] {
  if (operand === undefined) return [];
  if (operand === 'command') return [`${base} -x -a ${quote('(__fish_complete_subcommand)')}`];
  if (operand.kind === 'words') return [`${base} -a ${quote(operand.words.join(' '))}`];
  return operand.kind === 'file' ? [`${base} -F`] : [];
}

const quote = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
