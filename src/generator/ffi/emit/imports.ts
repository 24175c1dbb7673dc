// Import lines for the names that a piece of generated code uses.
import type { Ffi } from '../model.js';

interface Source {
  readonly from: string;
  readonly names: ReadonlySet<string>;
  readonly types: boolean;
}

/** What generated modules import from; `up` leads from the module to src/. */
function sources(ffi: Ffi, up: string, structs: 'layouts' | 'types'): readonly Source[] {
  const source = (folder: string) => (file: string, names: readonly string[], types: boolean) => ({
    ...{ from: `${up}${folder}/${file}.js`, names: new Set(names), types },
  });
  const [runtime, generated] = [source('ffi'), source('generated/ffi')];
  return [
    runtime('args', ['arg', 'inout'], false),
    runtime('auth', ['Auth'], true),
    runtime('define', ['define'], false),
    runtime('define', ['LibvirtFunction'], true),
    runtime('outs', ['out'], false),
    runtime('returns', ['returns'], false),
    runtime('structs', ['field', 'read', 'struct'], false),
    runtime('values', ['Pointer', 'TypedParameters', 'TypedParameterValues'], true),
    generated('callbacks', ['CallbackListeners'], true),
    generated('events', ['EventListener', 'EventOf'], true),
    generated(
      'structs',
      ffi.structs.map(({ name }) => name),
      structs === 'types',
    ),
    generated('types', handles(ffi), true),
  ];
}

function handles({ functions }: Ffi): readonly string[] {
  return functions.flatMap((fn) => fn.args.filter((arg) => arg.type === 'Object').map((arg) => arg.cType));
}

/** Import lines for `code`, which stands in the file at `path` below src/ and uses structs as layouts or as types. */
export function importsOf(ffi: Ffi, path: string, code: string, structs: 'layouts' | 'types' = 'layouts'): string {
  const up = '../'.repeat(path.split('/').length - 1);
  const bare = code.replace(/'[^']*'|\/\*\*.*?\*\//gs, '');
  const words = new Set(bare.match(/(?<!\.)\b[A-Za-z_]\w*/g));
  const lines = sources(ffi, up, structs).flatMap(({ from, names, types }) => {
    const used = [...names].filter((name) => words.has(name)).sort();
    const file = relative(path, from, up);
    return used.length === 0 || file === null
      ? []
      : [`import ${types ? 'type ' : ''}{ ${used.join(', ')} } from '${file}';`];
  });
  return lines.map(wrapImport).join('\n');
}

/** Generated modules find one another directly; null for the module itself. */
function relative(path: string, from: string, up: string): string | null {
  const target = from.slice(up.length);
  if (target === path.replace(/\.ts$/, '.js')) return null;
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  if (target.startsWith(folder)) return `./${target.slice(folder.length)}`;
  const ffi = 'generated/ffi/';
  return target.startsWith(ffi) && path.startsWith(ffi) ? `../${target.slice(ffi.length)}` : from;
}

function wrapImport(line: string): string {
  return line.length <= 120 ? line : line.replace('{ ', '{\n  ').replaceAll(', ', ',\n  ').replace(' }', ',\n}');
}
