import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { ROOT } from '../support/paths.js';
import { requireTool } from '../support/tools.js';
import { emit, linesOf, writeCalls } from '../support/trail_writer.js';

const withXmllint = requireTool('xmllint');

/** What xmllint says about the lines as one document; empty where they are valid. */
function complaints(lines: readonly string[]): string {
  const run = spawnSync('xmllint', ['--noout', '--huge', '--schema', join(ROOT, 'src/trail/trail.xsd'), '-'], {
    input: `<trail>\n${lines.join('\n')}\n</trail>\n`,
    encoding: 'utf8',
  });
  return run.status === 0 ? '' : run.stderr;
}

function linesFrom(dir: string): string[] {
  const lines = linesOf(dir);
  rmSync(dir, { recursive: true });
  return lines;
}

describe('the schema', () => {
  withXmllint('holds for records of any values', () => {
    const singles = Array.from({ length: 255 }, (_, index) => Buffer.from([index + 1]));
    const others = [']]>', '<!-- -->', '&#10;', '\\', '\\x0a', 'n'.repeat(5000), Buffer.from([0xef, 0xbf, 0xbf])];
    expect(complaints(linesFrom(emit([...singles, ...others])))).toBe('');
  });

  withXmllint('holds for calls and responses', () => {
    expect(complaints(linesFrom(writeCalls(1, 1, 5)))).toBe('');
  });

  withXmllint('finds what no writer writes', () => {
    const [line = ''] = linesFrom(emit(['demo']));
    expect(complaints([line])).toBe('');
    for (const [from, to] of [
      ['<state>0</state>', ''],
      ['<state>0', '<state>2'],
      ['effect="permitted"', 'effect="allowed"'],
      ['readonly="0"', 'readonly="no"'],
      ['kind="domain" name="demo"', 'kind="domain" name="\\n"'],
      [' uid=', ' user='],
      ['</param>', '</param><extra/>'],
    ] as const) {
      expect(line).toContain(from);
      expect(complaints([line.replace(from, to)])).not.toBe('');
    }
  });
});
