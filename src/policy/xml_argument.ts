/** The argument that a function takes its XML by. */
import { type ApiFunction, functionsByName } from '../generated/api.js';
import { hasXml } from './xml_facts.js';

/** Its name; undefined where the function takes no XML that rules can ask about, or only within typed parameters. */
export function xmlArgumentOf(functionName: string): string | undefined {
  const fn = functionsByName.get(functionName);
  return fn !== undefined && hasXml(fn) ? textNamedXml(fn) : undefined;
}

function textNamedXml({ args }: ApiFunction): string | undefined {
  return args.find(({ name, type }) => type === 'String' && /xml|^srcSpec$/i.test(name))?.name;
}
