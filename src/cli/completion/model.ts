/** What completion scripts need to know about the command tree. */
import type { Command, Option } from 'commander';

/** What a value is: one of a few words, a file, a folder, or anything. */
export type Value =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'folder' | 'text' };

export interface OptionModel {
  /** "--policy" */
  readonly long: string;
  /** "-p" */
  readonly short: string | undefined;
  readonly description: string;
  readonly value: Value | undefined;
}

export interface CommandModel {
  /** Words after "virtshim", "policy check"; "" for virtshim itself. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionModel[];
  readonly children: readonly CommandModel[];
  readonly operand: Value | 'command' | undefined;
}

export function describeCommands(command: Command, path = ''): CommandModel {
  const children = command.commands.map((child) => describeCommands(child, `${path} ${child.name()}`.trim()));
  return {
    path,
    name: command.name(),
    description: command.summary() || command.description(),
    options: [...command.options.filter((option) => !option.hidden).map(describeOption), HELP],
    children,
    operand: describeOperand(command),
  };
}

const HELP: OptionModel = { long: '--help', short: '-h', description: 'show how it is used', value: undefined };

function describeOption(option: Option): OptionModel {
  const takesValue = option.required || option.optional;
  return {
    long: option.long ?? option.flags,
    short: option.short,
    description: option.description,
    value: takesValue ? valueKind(option.flags, option.argChoices) : undefined,
  };
}

function valueKind(flags: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { kind: 'words', words: choices };
  if (/<(file|old|trail)>/.test(flags)) return { kind: 'file' };
  return { kind: flags.includes('<dir>') ? 'folder' : 'text' };
}

function describeOperand(command: Command): CommandModel['operand'] {
  const argument = command.registeredArguments[0];
  if (argument === undefined) return undefined;
  if (argument.name() === 'command') return 'command';
  return valueKind(`<${argument.name()}>`, argument.argChoices);
}

/** The command and all below it, parents first. */
export function flatten(command: CommandModel): CommandModel[] {
  return [command, ...command.children.flatMap(flatten)];
}
