// qemu guests that do something: the smallest that can be talked to.
import { copyFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './compile.js';
import { ROOT } from './paths.js';

/** Makes the disk of a guest that says "ready" on its serial port, and then what it hears, in capitals. */
export function makeEchoDisk(path: string): string {
  const source = join(ROOT, 'test/fixtures/guest/echo.S');
  const flags = ['-m32', '-nostdlib', '-static', '-Wl,--oformat=binary,-Ttext=0x7c00,--build-id=none'];
  copyFileSync(compile({ source, flags, fileName: 'echo.bin' }), path);
  truncateSync(path, 1 << 20);
  return path;
}

/** Its definition: emulated in software, a console on the serial port, a screen. `format` is the disk's. */
export function echoGuestXml(name: string, uuid: string, disk: string, format = 'raw'): string {
  return `<domain type='qemu'>
  <name>${name}</name>
  <uuid>${uuid}</uuid>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='${format}'/>
      <source file='${disk}'/>
      <target dev='hda' bus='ide'/>
    </disk>
    <serial type='pty'><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <video><model type='vga'/></video>
  </devices>
</domain>
`;
}
