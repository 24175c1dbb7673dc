/** The options that describe a call, made into a call as cases have it. Apart, since libvirt's whole API comes with it. */
import { readFileSync } from 'node:fs';
import { systemReason, VirtshimError } from '../errors.js';
import { functionsByName } from '../generated/api.js';
import { given } from '../given.js';
import { valueKindOf } from '../policy/argument.js';
import type { CallDocument, ValueDocument } from '../policy/call.js';
import { xmlArgumentOf } from '../policy/xml_argument.js';
import { type CallOptions, split } from './call-options.js';

/** The call that the options describe. Throws VIRTSHIM_FILE where the XML cannot be read, VIRTSHIM_USAGE. */
export function callOf(functionName: string, options: CallOptions): CallDocument {
  const args = argumentsOf(functionName, options);
  return {
    function: functionName,
    ...(Object.keys(args).length > 0 && { arguments: args }),
    ...given({
      ...{ user: options.user, uid: options.uid, groups: options.group, auid: options.auid },
      ...{ executable: options.exe, command: options.comm, terminal: options.tty, label: options.label },
      ...{ actor: options.actor, reason: options.reason, monitorCommand: options.monitorCommand, time: options.at },
      ...{ connection: connectionOf(options), nested: options.nested },
      ...{ resource: given({ kind: options.kind, name: options.name, uuid: options.uuid }) },
      rateReached: either(options.rateReached, options.rateFree),
    }),
  };
}

function connectionOf(options: CallOptions) {
  const { uri, driver, transport, host } = options;
  return given({ uri, driver, transport, host, readOnly: either(options.readOnly, options.readWrite) });
}

function either(yes: boolean | undefined, no: boolean | undefined): boolean | undefined {
  if (yes === true) return true;
  return no === true ? false : undefined;
}

function argumentsOf(functionName: string, { arg = [], xml }: CallOptions): Record<string, ValueDocument> {
  const values: Record<string, ValueDocument> = {};
  for (const [name, text] of arg) {
    const [argument = name, field] = split(name, '.');
    values[argument] =
      field === undefined ? argumentValue(functionName, name, text) : withField(values[argument], field, text);
  }
  if (xml !== undefined) values[xmlArgument(functionName)] = readXml(xml);
  return values;
}

// Flags as in C: VIR_DOMAIN_AFFECT_LIVE|VIR_DOMAIN_AFFECT_CONFIG.
function argumentValue(functionName: string, name: string, text: string): ValueDocument {
  const arg = functionsByName.get(functionName)?.args.find((known) => known.name === name);
  return arg !== undefined && valueKindOf(arg) === 'number' && text.includes('|') ? text.split('|') : text;
}

function withField(before: ValueDocument | undefined, field: string, text: string): ValueDocument {
  const fields = typeof before === 'object' && before !== null && !Array.isArray(before) ? before : {};
  return { ...fields, [field]: scalarOf(text) };
}

function scalarOf(text: string): string | bigint | number | boolean {
  if (/^-?[0-9]+$/.test(text)) return BigInt(text);
  if (/^-?[0-9]+\.[0-9]+$/.test(text)) return Number(text);
  return text === 'true' || text === 'false' ? text === 'true' : text;
}

function xmlArgument(functionName: string): string {
  const name = xmlArgumentOf(functionName);
  if (name !== undefined || !functionsByName.has(functionName)) return name ?? 'xml';
  throw new VirtshimError('VIRTSHIM_USAGE', `\`${functionName}\` has no argument that takes XML`, {
    hint: 'XML in typed parameters: --arg params.destination_xml="$(cat FILE)"',
  });
}

function readXml(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(error)}`, { cause: error });
  }
}
