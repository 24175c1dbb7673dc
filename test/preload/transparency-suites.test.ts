// The bindings' own test suites, where their sources can be had: every test has the same outcome with the shim.
import { describe, expect } from '@jest/globals';
import { sourceOf } from '../support/suites.js';
import { requireThat } from '../support/tools.js';
import { comparable, expectCallsSeen, runBoth } from '../support/transparency.js';

// Suites say how long they took.
const withoutDurations = (text: string) =>
  text.replace(/\bin \d+\.\d+s/g, 'in <time>').replace(/\d+ wallclock secs.*|\d+ ms\b/g, '<time>');

interface Suite {
  sourcePackage: string;
  program: string;
  args: string[];
  /** What the end of a suite that ran says. */
  summary: RegExp;
  atLeastFunctions: number;
}

const suites: [string, Suite][] = [
  [
    'libvirt-python',
    {
      sourcePackage: 'libvirt-python',
      program: '/usr/bin/python3',
      args: ['-W', 'ignore', '-m', 'unittest', 'discover', '-v', '-s', 'tests'],
      summary: /^Ran [1-9]\d* tests?/m,
      atLeastFunctions: 5,
    },
  ],
  [
    'Sys::Virt',
    {
      sourcePackage: 'libsys-virt-perl',
      program: '/usr/bin/prove',
      args: ['-v', 't'],
      summary: /^Files=\d+, Tests=[1-9]/m,
      atLeastFunctions: 5,
    },
  ],
];

describe('the test suite of', () => {
  for (const [name, suite] of suites) {
    const source = sourceOf(suite.sourcePackage);
    const [folder, missing] = 'folder' in source ? [source.folder, ''] : ['', source.missing];
    requireThat(folder !== '', missing)(name, async () => {
      const both = await runBoth(suite.program, suite.args, { files: folder });
      expect(comparable(both.shimmed, withoutDurations)).toEqual(comparable(both.bare, withoutDurations));
      expect(both.bare.stdout + both.bare.stderr).toMatch(suite.summary);
      expectCallsSeen(both, suite);
    });
  }
});
