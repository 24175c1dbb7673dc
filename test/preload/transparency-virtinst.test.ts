// virt-install, virt-xml and virt-clone on the test driver, and other programs that come with libvirt.
import { describe, expect } from '@jest/globals';
import { requireTool } from '../support/tools.js';
import { comparable, expectCallsSeen, runBoth } from '../support/transparency.js';

const host = 'test://{folder}/xml/host.xml';
const install = ['--memory', '64', '--osinfo', 'generic', '--noautoconsole', '--name'];

// Progress bars have the time that was spent.
const withoutProgress = (text: string) => text.replace(/\|.*$/gm, '|');

type Case = [name: string, args: string[], status: number, functions: number];

/** One jest test per case; the exit status says that the program did what the case is about. */
function describeTool(tool: string, cases: Case[]): void {
  describe(tool, () => {
    requireTool(tool).each(cases)('%s', async (_name, args, status, atLeastFunctions) => {
      const both = await runBoth(tool, ['--connect', host, ...args]);
      expect(comparable(both.shimmed, withoutProgress)).toEqual(comparable(both.bare, withoutProgress));
      expect(both.bare.status).toBe(status);
      expectCallsSeen(both, { atLeastFunctions });
    });
  });
}

describeTool('virt-install', [
  ['a guest without a disk', [...install, 'fresh', '--disk', 'none', '--import', '--graphics', 'none'], 0, 10],
  ['a guest with a new volume', [...install, 'fresh', '--disk', 'pool=shelf,size=1', '--pxe', '--wait', '0'], 0, 20],
  ['only printing', [...install, 'fresh', '--disk', 'none', '--import', '--print-xml'], 0, 5],
  ['a name that is taken', [...install, 'original', '--disk', 'none', '--import'], 1, 5],
]);

describeTool('virt-xml', [
  ['changing the definition', ['original', '--edit', '--vcpus', '3', '--define'], 0, 6],
  ['only showing a difference', ['original', '--edit', '--memory', '65', '--print-diff'], 0, 5],
  ['removing a device', ['stopped', '--remove-device', '--network', 'all'], 0, 6],
  ['starting with a change', ['stopped', '--edit', '--vcpus', '2', '--define', '--start'], 0, 7],
  ['a device for the running guest', ['original', '--add-device', '--network', 'network=lab', '--update'], 1, 6],
  ['a guest that is not there', ['nosuchguest', '--edit', '--vcpus', '3'], 1, 2],
]);

describeTool('virt-clone', [
  ['with names of its own', ['--original', 'stopped', '--auto-clone'], 0, 15],
  ['with given names', ['--original', 'stopped', '--name', 'copy', '--file', '/nowhere/shelf/copy.img'], 0, 15],
  ['only printing', ['--original', 'stopped', '--auto-clone', '--print-xml'], 0, 5],
  ['a running guest', ['--original', 'original', '--auto-clone'], 1, 5],
]);

// They call no public function of libvirt on a connection: nothing may change, and nothing is seen.
describe('programs beside the API', () => {
  const programs: [string, string[]][] = [
    ['virt-host-validate', ['qemu']],
    ['virt-xml-validate', ['xml/network.xml', 'network']],
    ['virt-xml-validate', ['xml/broken.xml', 'domain']],
    ['virt-pki-query-dn', ['xml/cpu.xml']],
  ];
  for (const [program, args] of programs) {
    requireTool(program)(`${program} ${args.join(' ')}`, async () => {
      const both = await runBoth(program, args);
      expect(comparable(both.shimmed)).toEqual(comparable(both.bare));
      expect(both.seen.size).toBe(0);
    });
  }
});
