// native/generated/wrappers_*.cc: one exported function per libvirt function, each a single call of dispatch().
import type { Api, ApiFunction } from '../model.js';
import { opaqueType } from '../types.js';
import type { Library } from '../vocabulary.js';
import { banner } from './banner.js';

const lineWidth = 120;

export function emitWrappers(api: Api, library: Library): string {
  const functions = api.functions.filter((fn) => fn.library === library);
  const groups = [...new Set(functions.map((fn) => fn.group))].sort();
  const sections = groups.map((group) => {
    const wrappers = functions.filter((fn) => fn.group === group).map(wrapper);
    return `// ${group}\n\n${wrappers.join('\n')}`;
  });
  return `${banner}
#include <cstddef>

#include "call/dispatch.h"
#include "generated/function_ids.h"

namespace virtshim {

extern "C" {

${sections.join('\n')}
}  // extern "C"

}  // namespace virtshim
`;
}

function wrapper(fn: ApiFunction): string {
  const types = fn.args.map((arg) => opaqueType(arg.cType));
  const params = fn.args.map((arg, i) => declare(types[i] ?? '', arg.name));
  const result = opaqueType(fn.cReturns);
  const head = wrap(`VIRTSHIM_EXPORT ${declare(result, fn.name)}(`, params, ') {', '');
  const passed = [`FunctionId::${fn.name}`, 'VIRTSHIM_CALLER', ...fn.args.map((arg) => arg.name)];
  const template = wrap('return dispatch<', [result, ...types], '>(', '  ');
  return `${head}\n${wrap(template, passed, ');', '  ')}\n}\n`;
}

function declare(type: string, name: string): string {
  return type.endsWith('*') ? `${type}${name}` : `${type} ${name}`;
}

/** One line where it fits, else the items wrapped below, indented by four more. `open` may be wrapped already. */
function wrap(open: string, items: readonly string[], close: string, indent: string): string {
  const start = open.startsWith(indent) ? open : indent + open;
  const line = `${start}${items.join(', ')}${close}`;
  if (line.length <= lineWidth) return line;
  const lines: string[] = [];
  let current = `${indent}   `;
  for (const [i, item] of items.entries()) {
    const piece = ` ${item}${i + 1 < items.length ? ',' : close}`;
    if (current.length + piece.length > lineWidth) {
      lines.push(current);
      current = `${indent}   `;
    }
    current += piece;
  }
  return [start, ...lines, current].join('\n');
}
