// The libvirt.so.0 of test/fixtures/preload/fake_libvirt.c.
import { dirname, join } from 'node:path';
import { compileFixture } from './fixtures.js';
import { ROOT } from './paths.js';

/** The folder to put first in LD_LIBRARY_PATH; with `newer`, functions of a libvirt that is not out yet. */
export function fakeLibvirt(newer = false): string {
  const map = join(ROOT, 'test/fixtures/preload/fake_libvirt.map');
  const flags = ['-shared', '-fPIC', '-Wl,-soname,libvirt.so.0', `-Wl,--version-script=${map}`];
  const version = newer ? ['-DNEWER'] : [];
  return dirname(compileFixture('fake_libvirt.c', { flags: [...flags, ...version], fileName: 'libvirt.so.0' }));
}
