// A real libvirtd with a real qemu guest, driven through virsh under the shim, and read back with the real audit tools.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { PolicyDocument } from '../../src/policy/document.js';
import { type Daemon, guestXml, makeImage, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { temporaryFolder } from '../support/paths.js';
import type { TrailRecord } from '../support/records.js';
import {
  imageFile,
  PRELOAD,
  readRecords,
  runBare,
  runShimmed,
  type ShimmedOutcome,
  TESTED_SHIM,
} from '../support/shim.js';
import { findTool, requireThat } from '../support/tools.js';
import { comparable, expectCallsSeen, FIXTURES, learningPolicy, runBoth } from '../support/transparency.js';

const whyNot = whyNoDaemon();
const withDaemon = requireThat(whyNot === undefined, whyNot ?? '');
const whyNoAudit = whyNot ?? whyNoAuditd();
const withAudit = requireThat(whyNoAudit === undefined, whyNoAudit ?? '');
const workplace = temporaryFolder('libvirtd-test');
const cache = join(workplace, 'cache');

/** What an operator may do, with a little more; not resetting guests. */
const policy: PolicyDocument = {
  name: 'operator-of-qemu',
  mode: 'enforcing',
  defaults: { '*': 'deny', read: 'allow', connect: 'allow', events: 'allow' },
  rules: [
    { id: 'no-reset', effect: 'deny', actions: ['domain.reset'] },
    {
      id: 'run',
      effect: 'allow',
      actions: ['domain.start', 'domain.suspend', 'domain.stop', 'domain.write', 'domain.snapshot'],
    },
  ],
};

/** Functions that virsh calls for what is done with the guest. */
const operations: [string][] = [
  ['virDomainCreate'],
  ['virDomainSuspend'],
  ['virDomainResume'],
  ['virDomainSetMemoryFlags'],
  ['virDomainAttachDevice'],
  ['virDomainSnapshotCreateXML'],
  ['virDomainReset'],
  ['virDomainUndefineFlags'],
  ['virDomainDestroy'],
];

function whyNoAuditd(): string | undefined {
  const missing = ['auditctl', 'ausearch', 'auvirt'].filter((tool) => findTool(tool) === undefined);
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  const status = spawnSync('auditctl', ['-s'], { encoding: 'utf8' }).stdout;
  return /^pid [1-9]/m.test(status) ? undefined : 'auditd is not running';
}

/** Raw lines of the audit log about one guest. */
function ausearch(uuid: string): string[] {
  const types = 'VIRT_CONTROL,VIRT_RESOURCE,VIRT_MACHINE_ID';
  const run = spawnSync('ausearch', ['--input-logs', '--raw', '-m', types, '--uuid', uuid], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return run.stdout.split('\n').filter((line) => line !== '');
}

/** The lines of a guest, once auditd has written the one that ended it: others may keep it busy. */
async function whenLogged(uuid: string): Promise<string[]> {
  for (let waited = 0; waited < 15_000; waited += 200) {
    const lines = ausearch(uuid);
    if (lines.some((line) => isOurs(line) && field(line, 'op') === 'virDomainDestroy')) return lines;
    await sleep(200);
  }
  return ausearch(uuid);
}

const field = (line: string, name: string): string | undefined => new RegExp(`[ ']${name}="?([^ "']*)`).exec(line)?.[1];
const isOurs = (line: string): boolean => field(line, 'rid') !== undefined;

describe('virsh under the shim, with libvirtd and qemu', () => {
  const uuid = randomUUID();
  const guest = `guest-${uuid.slice(0, 8)}`;
  const runs: Record<string, ShimmedOutcome> = {};
  const trail = join(workplace, 'trail');
  let daemon: Daemon;
  /** What the audit log had of the guest when it had ended; the log may be rotated away later. */
  let logged: string[];
  let control: string[];

  /** The last record of the trail for this function. */
  function response(event: string): TrailRecord | undefined {
    return readRecords(trail).findLast((record) => record.root === 'methodresponse' && record.event === event);
  }

  beforeAll(async () => {
    if (whyNot !== undefined) return;
    daemon = await startDaemon({ cache });
    const xml = join(workplace, 'guest.xml');
    writeFileSync(xml, guestXml(guest, uuid, makeImage(join(workplace, 'system.qcow2'), '64M')));
    expect(runBare('virsh', ['-c', daemon.uri, 'define', xml])).toMatchObject({ status: 0 });
    const image = await imageFile(policy);
    const virsh = (...args: string[]) => runShimmed('virsh', ['-c', daemon.uri, ...args], { policy: image, trail });
    runs.start = virsh('start', guest);
    runs.suspend = virsh('suspend', guest);
    runs.resume = virsh('resume', guest);
    runs.setmem = virsh('setmem', guest, '40M', '--live');
    runs.attach = virsh(
      'attach-disk',
      guest,
      makeImage(join(workplace, 'data.qcow2'), '1M'),
      'vdb',
      '--subdriver',
      'qcow2',
    );
    runs.snapshot = virsh('snapshot-create-as', guest, 'first');
    runs.reset = virsh('reset', guest);
    runs.undefine = virsh('undefine', guest, '--snapshots-metadata');
    runs.stateBefore = virsh('domstate', guest);
    runs.destroy = virsh('destroy', guest);
    runs.stateAfter = virsh('domstate', guest);
    logged = whyNoAudit === undefined ? await whenLogged(uuid) : [];
    control = logged.filter((line) => line.startsWith('type=VIRT_CONTROL '));
  }, 90_000);

  afterAll(async () => {
    await daemon?.stop();
  });

  withDaemon('permits what the policy permits', () => {
    for (const name of ['start', 'suspend', 'resume', 'setmem', 'attach', 'snapshot', 'destroy']) {
      expect({ name, status: runs[name]?.status, stderr: runs[name]?.stderr }).toEqual({ name, status: 0, stderr: '' });
    }
    expect(runs.stateBefore?.stdout.trim()).toBe('running');
    expect(runs.stateAfter?.stdout.trim()).toBe('shut off');
  });

  withDaemon('refuses the rest, and says which rule did', () => {
    expect(runs.reset).toMatchObject({ status: 1 });
    expect(runs.reset?.stderr).toContain(`access denied: virDomainReset on domain '${guest}'`);
    expect(runs.reset?.stderr).toContain("rule 'no-reset' of policy 'operator-of-qemu'");
    expect(runs.undefine).toMatchObject({ status: 1 });
    expect(runs.undefine?.stderr).toContain('access denied: virDomainUndefineFlags');
  });

  withDaemon.each(operations)('records %s with the guest, the connection and the outcome', (event) => {
    const record = response(event);
    const permitted = event !== 'virDomainReset' && event !== 'virDomainUndefineFlags';
    expect(record).toMatchObject({
      state: permitted ? 1 : 0,
      effect: permitted ? 'permitted' : 'denied',
      connection: { driver: 'qemu', uri: daemon.uri, readonly: '0' },
      resource: { kind: 'domain', name: guest, uuid },
    });
  });

  withAudit("ausearch finds libvirtd's records and ours by the guest's uuid", () => {
    const theirs = control.filter((line) => !isOurs(line)).map((line) => field(line, 'op'));
    expect(theirs).toEqual(['start', 'stop']);
    const ours = control.filter(isOurs).map((line) => field(line, 'op'));
    expect(ours).toEqual(expect.arrayContaining(operations.map(([event]) => event)));
  });

  withAudit.each(operations)("the kernel's record of %s is that of the trail", (event) => {
    const record = response(event);
    const line = control.find((candidate) => isOurs(candidate) && field(candidate, 'op') === event) ?? '';
    const denied = record?.effect === 'denied';
    expect(field(line, 'rid')).toBe(record?.rid);
    expect(field(line, 'vm')).toBe(guest);
    expect(field(line, 'reason')).toBe(denied ? 'denied' : 'permitted');
    expect(field(line, 'res')).toBe(denied ? 'failed' : 'success');
    expect(field(line, 'rule')).toBe(record?.rule);
    expect(Number(field(line, 'pid'))).toBe(record?.pid);
    expect(field(line, 'exe')).toBe('/usr/bin/virsh');
  });

  withAudit.each([['--all-events'], ['--summary'], ['--proof']])(
    "auvirt's sessions are the same with and without ours: %s",
    (option) => {
      expect(logged.filter(isOurs).length).toBeGreaterThanOrEqual(operations.length);
      const auvirt = (name: string, kept: string[]) => {
        const file = join(workplace, name);
        writeFileSync(file, `${kept.join('\n')}\n`);
        return runBare('auvirt', ['--file', file, option]);
      };
      const [withOurs, without] = [
        auvirt('all.log', logged),
        auvirt(
          'libvirtd.log',
          logged.filter((line) => !isOurs(line)),
        ),
      ];
      expect(withOurs.stdout.replaceAll('all.log', 'LOG')).toEqual(without.stdout.replaceAll('libvirtd.log', 'LOG'));
      expect(withOurs.stdout).toMatch(option === '--summary' ? /Number of guest starts:\s+1/ : new RegExp(guest));
    },
  );

  withDaemon(
    'behaves the same over a script of commands, and its calls are seen',
    async () => {
      const prepare = (folder: string) => {
        const disk = makeImage(join(folder, 'machine.qcow2'), '4M');
        writeFileSync(join(folder, 'guest.xml'), guestXml('machine', '0b6a9c1e-7d6f-4d0e-9a53-3f1a2c9f0070', disk));
      };
      const input = readFileSync(join(FIXTURES, 'qemu.virsh'), 'utf8');
      const both = await runBoth('virsh', ['-c', daemon.uri], { input, prepare, sequential: true });
      // A virtual machine that runs the tests may be given more memory in between.
      const withoutIds = (text: string) =>
        text
          .replace(/^(Id|CPU|CPU time|Memory size): .*$/gm, '$1: <varies>')
          .replace(/<(memory unit='KiB'|pages unit='KiB' size='4')>\d{7,}</g, '<$1><varies><');
      expect(comparable(both.shimmed, withoutIds)).toEqual(comparable(both.bare, withoutIds));
      expect(both.bare.status).toBe(0);
      expectCallsSeen(both, { atLeastFunctions: 100 });
    },
    60_000,
  );

  requireThat(whyNot === undefined && findTool('virt-admin') !== undefined, 'no libvirtd, or no virt-admin')(
    'virt-admin behaves the same, and its calls are seen',
    async () => {
      const image = await learningPolicy();
      const commands = [
        'uri',
        'version --daemon',
        'server-list',
        'server-threadpool-set libvirtd --max-workers 21',
        'server-threadpool-info libvirtd',
        'server-clients-set libvirtd --max-clients 4999',
        'server-clients-info libvirtd',
        'client-list libvirtd',
        'client-info libvirtd 99999',
        'client-disconnect libvirtd 99999',
        'daemon-log-filters',
        'daemon-log-outputs',
      ];
      const input = `${commands.join('\n')}\n`;
      const args = ['-c', daemon.adminUri];
      const bare = runBare('virt-admin', args, { input });
      expect(bare.stdout).toMatch(/^nclients_max +: 4999$/m);
      const shimmed = runShimmed('virt-admin', args, { policy: image, input });
      expect([shimmed.status, shimmed.stdout, shimmed.stderr]).toEqual([bare.status, bare.stdout, bare.stderr]);
      const seen = new Set(shimmed.records.map((record) => record.event));
      for (const event of [
        'virAdmConnectOpen',
        'virAdmConnectListServers',
        'virAdmConnectLookupServer',
        'virAdmServerListClients',
        'virAdmConnectClose',
      ]) {
        expect(seen).toContain(event);
      }
    },
  );
});

describe('libvirtd under the shim', () => {
  withDaemon(
    'runs and ends guests, and sees the calls of its clients',
    async () => {
      const uuid = randomUUID();
      const trail = join(workplace, 'daemon-trail');
      const env = {
        LD_PRELOAD: PRELOAD,
        VIRTSHIM_POLICY: await learningPolicy(),
        VIRTSHIM_TRAIL: trail,
        VIRTSHIM_NO_INHERIT: '1',
      };
      const daemon = await startDaemon({ cache, env });
      try {
        expect(readFileSync(`/proc/${daemon.pid}/maps`, 'utf8')).toContain(TESTED_SHIM);
        const xml = join(workplace, 'served.xml');
        writeFileSync(xml, guestXml('served', uuid, makeImage(join(workplace, 'served.qcow2'), '64M')));
        const virsh = (...args: string[]) => runBare('virsh', ['-c', daemon.uri, ...args]).status;
        const statuses = [
          virsh('define', xml),
          virsh('start', 'served'),
          virsh('reset', 'served'),
          virsh('suspend', 'served'),
        ];
        expect(statuses).toEqual([0, 0, 0, 0]);
        expect([
          virsh('destroy', 'served'),
          virsh('dominfo', 'nosuchguest'),
          virsh('nodeinfo'),
          virsh('undefine', 'served'),
        ]).toEqual([0, 1, 0, 0]);
        const seen = readRecords(trail).filter(
          (record) => record.root === 'methodresponse' && record.resource?.uuid === uuid,
        );
        expect(seen.map((record) => record.event)).toEqual(
          expect.arrayContaining(['virDomainCreate', 'virDomainSuspend', 'virDomainDestroy']),
        );
      } finally {
        await daemon.stop();
      }
    },
    60_000,
  );
});
