/** The one function that reads structs. */
import { type ByHandFunctions, byHand } from '../../generated/ffi/by_hand.js';
import { virSecurityLabel, virSecurityModel } from '../../generated/ffi/structs.js';
import { arg } from '../args.js';
import type { Codec } from '../codec.js';
import { define, type FunctionOf } from '../define.js';
import { Cell, littleEndian } from '../memory.js';
import { out } from '../outs.js';
import { wrongArgument } from '../problems.js';
import { returns } from '../returns.js';
import type { Struct } from '../structs.js';

/** A struct of texts and integers that C reads. */
function struct(name: string, index: number, type: Struct<unknown>): Codec {
  return {
    name,
    input: true,
    put: (call, value) => {
      if (typeof value !== 'object' || value === null) wrongArgument(call.functionName, name, `a ${type.name}`, value);
      const cell = new Cell(type.size);
      const given = new Map(Object.entries(value));
      for (const field of type.fields) {
        const problem = write(cell, field.offset, given.get(field.name), field.textSize);
        if (problem !== null) wrongArgument(call.functionName, `${name}.${field.name}`, problem, given.get(field.name));
      }
      call.c[index] = cell.bytes;
    },
  };
}

function write(cell: Cell, offset: number, value: unknown, textSize: number | undefined): string | null {
  if (textSize === undefined) {
    if (!Number.isInteger(value)) return 'an integer';
    cell.view.setInt32(offset, Number(value), littleEndian);
    return null;
  }
  const text = typeof value === 'string' && !value.includes('\0') ? Buffer.from(value) : undefined;
  if (text === undefined || text.length >= textSize) return `a string of less than ${textSize} bytes without NUL`;
  cell.bytes.set(text, offset);
  return null;
}

export const virDomainLxcEnterSecurityLabel = define<FunctionOf<ByHandFunctions['virDomainLxcEnterSecurityLabel']>>({
  ...byHand.virDomainLxcEnterSecurityLabel,
  args: [
    struct('model', 0, virSecurityModel),
    struct('label', 1, virSecurityLabel),
    out.struct('oldlabel', 2, virSecurityLabel),
    arg.flags('flags', 3),
  ],
  returns: returns.status,
});
