import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { exportedFunctions, readProgram } from '../../src/cli/elf.js';
import { functions } from '../../src/generated/api.js';
import { command } from '../support/cli.js';
import { SHIM } from '../support/paths.js';
import { requireTool } from '../support/tools.js';

describe('ELF files', () => {
  test('a dynamic program', () => {
    expect(readProgram(process.execPath)).toMatchObject({ bits: 64, dynamic: true });
  });

  test('what is no program', () => {
    expect(readProgram(__filename)).toBeUndefined();
    expect(() => exportedFunctions(Buffer.from('text'))).toThrow(RangeError);
  });

  requireTool('nm')('the shim exports what nm sees', () => {
    const seen = command('nm', ['-D', '--defined-only', SHIM]).stdout.match(/(?<= [TWi] )\w+/g) ?? [];
    const found = exportedFunctions(readFileSync(SHIM)).map(({ name }) => name);
    expect(found.sort()).toEqual([...seen].sort());
    expect(found.filter((name) => name.startsWith('vir') && !name.startsWith('virtshim'))).toEqual(
      functions.map(({ name }) => name).sort(),
    );
  });
});
