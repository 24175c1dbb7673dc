// The bindings' own test suites, where their sources can be had: every test has the same outcome with the shim.
import { describe, expect } from '@jest/globals';
import { compileGoTests, goSourceOf, type Source, sourceOf } from '../support/suites.js';
import { requireBinding, requireThat } from '../support/tools.js';
import { comparable, expectCallsSeen, runBoth } from '../support/transparency.js';

interface Suite {
  source: Source;
  /** The package that the tests need, and the command that succeeds where it is installed. */
  binding: [packageName: string, program: string, ...args: string[]];
  program: string | (() => string);
  args: string[];
  /** What the suite prints for each test that passed. */
  passed: RegExp;
  atLeastPassed: number;
  atLeastFunctions: number;
  /** Its tests write to files outside of their folder. */
  sequential?: boolean;
}

// What libvirt-php's own runtests.sh does, but with the installed binding instead of the one just built.
const PHP_TESTS = `cd tests && sed 's,@abs_srcdir@,,' functions.phpt.in >functions.phpt &&
for test in test-*.phpt; do php "$test"; echo "$test: exit code $?"; done`;

const LIBVIRT_GO = 'github.com/libvirt/libvirt-go';

const suites: Record<string, Suite> = {
  'libvirt-python': {
    source: sourceOf('libvirt-python'),
    binding: ['python3-libvirt', '/usr/bin/python3', '-c', 'import libvirt'],
    program: '/usr/bin/python3',
    args: ['-W', 'ignore', '-m', 'unittest', 'discover', '-v', '-s', 'tests'],
    passed: /^test\w+ \(.*\) \.\.\. ok$/gm,
    atLeastPassed: 12,
    atLeastFunctions: 20,
  },
  'Sys::Virt': {
    source: sourceOf('libsys-virt-perl'),
    binding: ['libsys-virt-perl', '/usr/bin/perl', '-MSys::Virt', '-e', '1'],
    program: '/usr/bin/prove',
    args: ['-v', 't'],
    passed: /^ok \d+/gm,
    atLeastPassed: 100,
    atLeastFunctions: 50,
  },
  'libvirt-php': {
    source: sourceOf('libvirt-php'),
    binding: ['php8.2-libvirt-php', '/usr/bin/php', '-r', 'exit(extension_loaded("libvirt") ? 0 : 1);'],
    program: '/bin/sh',
    args: ['-c', PHP_TESTS],
    passed: /^test-\S+: exit code 0$/gm,
    atLeastPassed: 10,
    atLeastFunctions: 15,
    sequential: true,
  },
  'libvirt-go': {
    source: goSourceOf(LIBVIRT_GO, 'golang-github-libvirt-libvirt-go-dev'),
    binding: ['golang-go', 'go', 'version'],
    program: () => compileGoTests(LIBVIRT_GO),
    args: ['-test.v'],
    passed: /^--- PASS: /gm,
    atLeastPassed: 100,
    atLeastFunctions: 80,
  },
};

// Suites say how long they took.
const withoutDurations = (text: string) =>
  text.replace(/(?<=\bin |\()\d+\.\d+s/g, '<time>').replace(/\d+ wallclock secs.*|\d+ ms\b/g, '<time>');

function requireSuite({ source, binding }: Suite): [ReturnType<typeof requireThat>, folder: string] {
  if ('missing' in source) return [requireThat(false, source.missing), ''];
  return [requireBinding(...binding), source.folder];
}

describe('the test suite of', () => {
  for (const [name, suite] of Object.entries(suites)) {
    const [withSuite, folder] = requireSuite(suite);
    withSuite(name, async () => {
      const { program, args, sequential = false } = suite;
      const both = await runBoth(typeof program === 'string' ? program : program(), args, {
        files: folder,
        // Some tests connect without saying whereto: not to what runs on this machine.
        env: { LIBVIRT_DEFAULT_URI: 'test:///default' },
        sequential,
      });
      expect(comparable(both.shimmed, withoutDurations)).toEqual(comparable(both.bare, withoutDurations));
      const passed = `${both.bare.stdout}\n${both.bare.stderr}`.match(suite.passed) ?? [];
      expect(passed.length).toBeGreaterThanOrEqual(suite.atLeastPassed);
      expectCallsSeen(both, suite);
    });
  }
});
