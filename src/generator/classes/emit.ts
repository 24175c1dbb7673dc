// src/generated/classes/*.ts: one file for each class.
import { banner } from '../emit/banner.js';
import { importsOf } from '../ffi/emit/imports.js';
import type { Ffi } from '../ffi/model.js';
import { ancestors, type ClassFacts, classes, fileOf } from './kinds.js';
import type { Wrapper } from './model.js';

export interface NamedMethod {
  readonly name: string;
  readonly wrapper: Wrapper;
}

/** Where the class goes, below src/. */
export function pathOf(each: ClassFacts): string {
  return `generated/classes/${fileOf(each)}.ts`;
}

/** The file of one class. */
export function emitClass(ffi: Ffi, each: ClassFacts, methods: readonly NamedMethod[]): string {
  const body = [constructorText(each), labelText(each), ...ancestors(each).map(originText), ...methods.map(methodText)];
  const text = `/** ${each.extended ? `The functions of libvirt whose subject is a ${each.prefix}` : each.about}. */
export ${each.extended ? 'abstract ' : ''}class ${className(each)} extends LibvirtObject<'${each.prefix}'> {
${body.filter((part) => part !== '').join('\n')}}
`;
  return `${banner}\n${imports(ffi, each, text)}\n\n${text}`;
}

/** Classes that are extended by hand are bases: `DomainMethods`. */
export function className(each: ClassFacts): string {
  return each.extended ? `${each.name}Methods` : each.name;
}

function constructorText(each: ClassFacts): string {
  if (each.parent === undefined) {
    return `  /** Takes over the caller's reference. */
  constructor(pointer: ${each.prefix}Ptr) {
    super(pointer, ffi.${each.release});
  }
`;
  }
  return `  readonly #parent: ${each.parent};

  /** Takes over the caller's reference. */
  constructor(pointer: ${each.prefix}Ptr, parent: ${each.parent}) {
    super(pointer, ffi.${each.release});
    this.#parent = parent;
  }
`;
}

function labelText(each: ClassFacts): string {
  return each.label === undefined
    ? ''
    : `  protected override label(): string {
    return String(ffi.${each.label}(this.pointer));
  }
`;
}

/** Where an object came from is known without a call. */
function originText(ancestor: ClassFacts, steps: number): string {
  const name = accessor(ancestor);
  const path = steps === 0 ? 'this.#parent' : `this.#parent.${name}Sync()`;
  return `  /** The ${ancestor.name} that it came from. */
  async ${name}(): Promise<${ancestor.name}> {
    return ${path};
  }

  /** \`${name}\`, at once. */
  ${name}Sync(): ${ancestor.name} {
    return ${path};
  }
`;
}

function accessor(each: ClassFacts): string {
  return each.parent === undefined ? 'connect' : each.name.replace(/^Adm/, '').toLowerCase();
}

function methodText({ name, wrapper }: NamedMethod): string {
  const { low, declared, passed, measured, held, result, wrap } = wrapper;
  const back = result === 'void' ? '' : 'return ';
  const mapped = wrap('call').startsWith('call.');
  const listed = held.some((object) => object.startsWith('...'));
  const each = (what: string) =>
    listed ? `held.forEach(${what});` : held.map((object) => `${what}(${object});`).join('\n      ');
  const setting = (way: 'async' | 'sync') =>
    measured.map(([param, measure]) => `    const ${param} = ${measure[way]};\n`).join('');
  return `  /** \`${low.name}\`, since libvirt ${low.since}. */
  async ${name}(${declared}): Promise<${result}> {
${setting('async')}    const call = ffi.${low.name}.async(${passed});
${listed ? `    const held = [${held.join(', ')}];\n` : ''}    ${each('callBegins').replaceAll('\n  ', '\n')}
    try {
      ${back}${wrap(mapped ? '(await call)' : 'await call')};
    } finally {
      ${each('callEnds')}
    }
  }

  /** \`${low.name}\` while the thread waits. */
  ${name}Sync(${declared}): ${result} {
${setting('sync')}    ${back}${wrap(`ffi.${low.name}(${passed})`)};
  }
`;
}

function imports(ffi: Ffi, each: ClassFacts, text: string): string {
  const used = (name: string) => new RegExp(`(?<!\\.)\\b${name}\\b`).test(text);
  const others = classes
    .filter((other) => (other !== each || each.extended) && used(other.name))
    .map(({ name }) => name);
  const lines = [
    "import * as ffi from '../../ffi/index.js';",
    others.length > 0 ? `import type { ${others.join(', ')} } from '../../libvirt/classes.js';` : '',
    used('cpuMapLength') ? "import { cpuMapLength, cpuMapLengthSync } from '../../libvirt/cpu_maps.js';" : '',
    used('kinds') ? "import { kinds } from '../../libvirt/kinds.js';" : '',
    "import { callBegins, callEnds, LibvirtObject } from '../../libvirt/object.js';",
    importsOf(ffi, pathOf(each), text),
  ];
  return lines.filter((line) => line !== '').join('\n');
}
