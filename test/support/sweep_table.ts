// The API facts as C, for test/fixtures/preload/sweep.c.
import { type ApiFunction, argTypes, functions, objectKinds, returnTypes } from '../../src/generated/api.js';

const word = (text: string) => text.replaceAll('-', '_');

function row(fn: ApiFunction): string {
  const args = fn.args.map((arg) => `{TYPE_${arg.type}, KIND_${word(arg.object)}}`);
  return `  {"${fn.name}", RETURN_${fn.returns}, ${fn.args.length}, {${args.join(', ')}}},`;
}

/** Enumerations of types and kinds, and the table of all functions. */
export function sweepTable(): string {
  return [
    `enum { ${argTypes.map((type) => `TYPE_${type}`).join(', ')} };`,
    `enum { ${returnTypes.map((type) => `RETURN_${type}`).join(', ')} };`,
    `enum { ${objectKinds.map((kind) => `KIND_${word(kind)}`).join(', ')}, KINDS };`,
    'struct argument { int type, kind; };',
    'struct function { const char *name; int returns, count; struct argument args[12]; };',
    'static const struct function table[] = {',
    ...functions.map(row),
    '};',
    '',
  ].join('\n');
}
