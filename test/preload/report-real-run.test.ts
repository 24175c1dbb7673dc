// Who did what to a real guest: libvirtd and qemu of the test's own, libvirt's records through the kernel and auditd,
// calls by virsh and by a Node program under the shim, and one without it.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { whyNoAuditd } from '../support/auditd.js';
import { virtshim } from '../support/cli.js';
import { type Daemon, guestXml, makeImage, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { runScript } from '../support/node_api.js';
import { temporaryFolder } from '../support/paths.js';
import { deny, imageFile, PRELOAD, runBare, runShimmed, type ShimmedOutcome } from '../support/shim.js';
import { requireThat } from '../support/tools.js';

const whyNot = whyNoDaemon() ?? whyNoAuditd();
const onThisMachine = requireThat(whyNot === undefined, `the real run of the report: ${whyNot}`);

const uuid = randomUUID();
const name = `report-${uuid.slice(0, 8)}`;
const LOGIN = 1234;

const policy = (rules: RuleDocument[], netlink = true): PolicyDocument => ({
  name: 'real-run',
  defaults: { '*': 'allow' },
  audit: { netlink },
  rules,
});

const folder = temporaryFolder('real-run');
const trail = join(folder, 'trail');
const daemonTrail = join(folder, 'daemon-trail');
const disk = join(folder, 'two.qcow2');
let daemon: Daemon;
let permissive: string;
let strict: string;

/** virsh under the shim, called by somebody who logged in. */
function virsh(commands: string, image: string): ShimmedOutcome {
  const script = `echo ${LOGIN} > /proc/self/loginuid; exec virsh -c "$1" "$2"`;
  return runShimmed('sh', ['-c', script, 'sh', daemon.uri, commands], { policy: image, trail });
}

interface Caller {
  readonly operation: string;
  readonly record: string;
}

/** What `--format json` and `--json` print, as far as this test looks at it. */
interface Entry {
  readonly kind: string;
  readonly time: string;
  readonly reason?: string;
  readonly operation?: string;
  readonly attribution?: string;
  readonly by?: Caller;
  readonly candidates?: Caller[];
  readonly alsoSeen?: string[];
}

const CAUSED = new Set(['start', 'stop', 'resource']);

/** libvirt's and the shim's records about the guest, as ausearch finds them in auditd's logs. */
function logged(): string {
  const args = ['--input-logs', '--raw', '-m', 'VIRT_CONTROL,VIRT_RESOURCE,VIRT_MACHINE_ID', '--uuid', uuid];
  return spawnSync('ausearch', args, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] })
    .stdout;
}

/** A file with these records, once there are so many stops: auditd writes a moment after the kernel. */
async function whenLogged(stops: number): Promise<string> {
  let text = logged();
  for (let waited = 0; waited < 10_000 && text.split(' op=stop ').length <= stops; waited += 500) {
    await sleep(500);
    text = logged();
  }
  const log = join(folder, 'audit.log');
  writeFileSync(log, text);
  return log;
}

function tell(...args: string[]): string {
  const run = virtshim(['report', ...args]);
  expect(run.stderr).toBe('');
  return run.stdout;
}

function entries(...args: string[]): Entry[] {
  const lines = tell(...args).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Entry);
}

const stops = (...args: string[]) => entries('who', uuid, '--all', '--json', ...args);

async function startAll(): Promise<void> {
  permissive = await imageFile(policy([]));
  strict = await imageFile(policy([deny('no-destroy', ['virDomainDestroy*'])]));
  const daemonPolicy = await imageFile(policy([], false));
  daemon = await startDaemon({
    cache: temporaryFolder('qemu-cache'),
    env: { LD_PRELOAD: PRELOAD, VIRTSHIM_POLICY: daemonPolicy, VIRTSHIM_TRAIL: daemonTrail },
  });
  writeFileSync(join(folder, 'guest.xml'), guestXml(name, uuid, makeImage(join(folder, 'one.qcow2'), '1M')));
  makeImage(disk, '1M');
}

/** The guest's life: three starts and three stops, the last one by a program without the shim. */
function live(): void {
  const attach = `attach-disk ${name} ${disk} vdb --driver qemu --subdriver qcow2 --live`;
  expect(virsh(`define ${folder}/guest.xml; start ${name}; ${attach}`, permissive).stderr).toBe('');
  runScript(
    `const connection = await Connection.open(${JSON.stringify(daemon.uri)});
    const domain = await connection.lookupByUUIDString('${uuid}');
    await domain.suspend();
    await domain.resume();
    await connection.close();`,
    { policy: permissive, trail },
  );
  expect(virsh(`destroy ${name}`, strict).stderr).toContain("rule 'no-destroy'");
  expect(virsh(`destroy ${name}`, permissive).stderr).toBe('');
  expect(virsh(`start ${name}; managedsave ${name}; start ${name}`, permissive).stderr).toBe('');
  expect(runBare('virsh', ['-c', daemon.uri, 'destroy', name]).status).toBe(0);
}

/** Starts and stops of every sort that this machine's libvirt can do without another host; the last by a signal. */
async function liveOn(): Promise<void> {
  const done = (commands: string) => expect(virsh(commands, permissive).stderr).toBe('');
  done(`start ${name}; iothreadadd ${name} 3 --live; iothreaddel ${name} 3 --live`);
  done(`snapshot-create-as ${name} s1 --disk-only --diskspec vda,file=${folder}/snap.qcow2`);
  done(`blockcopy ${name} vda ${folder}/copy.qcow2 --transient-job --pivot --wait`);
  done(`dump ${name} ${folder}/core --crash --memory-only`);
  done(`start ${name}; save ${name} ${folder}/save; restore ${folder}/save; destroy ${name}`);
  done(`start ${name} --autodestroy`);
  await whenLogged(7);
  done(`start ${name}; snapshot-create-as ${name} full; snapshot-revert ${name} full --force`);
  const pids = [...logged().matchAll(/ op=start .* vm-pid=(\d+) /g)].map(([, pid]) => Number(pid));
  process.kill(pids.at(-1) ?? 0, 'SIGKILL');
}

describe('a guest of libvirtd and qemu', () => {
  let log: string;

  beforeAll(async () => {
    if (whyNot !== undefined) return;
    await startAll();
    live();
    log = await whenLogged(3);
  }, 120_000);

  afterAll(async () => {
    await daemon?.stop();
  });

  onThisMachine('was stopped by callers who are known, after one was refused, and once by nobody who asked', () => {
    const found = stops('--trail', trail, '--file', log);
    const caller = { comm: 'virsh', auid: LOGIN, recordedIn: ['trail', 'audit'] };
    expect(found).toMatchObject([
      {
        ...{ reason: 'destroyed', attribution: 'call' },
        by: { ...caller, operation: 'virDomainDestroy', success: true },
        refused: [{ ...caller, operation: 'virDomainDestroy', rule: 'no-destroy', success: false }],
      },
      { reason: 'saved', attribution: 'call', by: { ...caller, operation: 'virDomainManagedSave' }, refused: [] },
      { reason: 'destroyed', attribution: 'none', refused: [] },
    ]);
  });

  onThisMachine("the same is known from the kernel's log alone", () => {
    expect(stops('--file', log)).toMatchObject([
      { by: { operation: 'virDomainDestroy', auid: LOGIN, recordedIn: ['audit'] } },
      { by: { operation: 'virDomainManagedSave', auid: LOGIN, recordedIn: ['audit'] } },
      { attribution: 'none' },
    ]);
  });

  onThisMachine('in words', () => {
    const caller = `${LOGIN} \\(auid ${LOGIN}\\) as root, virsh, pid \\d+(, tty \\S+)?`;
    const sources = ['--trail', trail, '--file', log];
    expect(tell('who', name, '--all', ...sources)).toMatch(
      new RegExp(
        `^${name} \\(${uuid}\\) stopped \\(destroyed\\) [0-9: -]{19} by ${caller}, record [0-9a-f]{16}\\n` +
          `  before that refused: virDomainDestroy at [0-9: -]{19} by ${caller}, rule no-destroy, record [0-9a-f]{16}\\n` +
          `.* stopped \\(saved\\) .* by ${caller}.*\\n` +
          '.* stopped \\(destroyed\\) .*, unattributed: nobody asked for it through the shim\\n' +
          '  a program did it without the shim, .*\\n$',
      ),
    );
    const timeline = tell('--timeline', ...sources);
    expect(timeline).toMatch(new RegExp(`${name} disk attach: ${disk} by ${caller}, record`));
    expect(timeline).toMatch(/ virDomainSuspend by .*, node, .*, suspended for 0:00:0/);
  });

  onThisMachine('every start, stop and change of a device has its call', () => {
    const found = entries('--timeline', '--format', 'json', '--trail', trail, '--file', log);
    const caused = found.filter(({ kind }) => CAUSED.has(kind));
    expect(caused.map(({ kind, reason, by }) => [kind, reason, by?.operation])).toEqual([
      ['start', 'booted', 'virDomainCreate'],
      ['resource', 'attach', 'virDomainAttachDeviceFlags'],
      ['stop', 'destroyed', 'virDomainDestroy'],
      ['start', 'booted', 'virDomainCreate'],
      ['stop', 'saved', 'virDomainManagedSave'],
      ['start', 'restored', 'virDomainCreate'],
      ['stop', 'destroyed', undefined],
    ]);
    const defined = found.find(({ operation }) => operation === 'virDomainDefineXML');
    expect(defined).toMatchObject({ changes: [{ kind: 'added', path: '' }] });
  });

  onThisMachine('a shim in the daemon sees the same calls once more, and those of programs without one', () => {
    const found = stops('--trail', trail, '--trail', daemonTrail, '--file', log);
    expect(found).toMatchObject([
      { by: { comm: 'virsh', operation: 'virDomainDestroy' }, alsoSeen: [expect.any(String)] },
      { by: { comm: 'virsh', operation: 'virDomainManagedSave' }, alsoSeen: [expect.any(String)] },
      { by: { comm: 'libvirtd', operation: 'virDomainDestroy' }, alsoSeen: [] },
    ]);
  });

  onThisMachine(
    'every reason that libvirt gives is joined to the functions that lead to it',
    async () => {
      const first = Date.now();
      await liveOn();
      const later = await whenLogged(9);
      const found = entries('--timeline', '--format', 'json', '--trail', trail, '--file', later);
      const caused = found.filter(({ kind, time }) => CAUSED.has(kind) && Date.parse(time) >= first);
      const told = caused.map(({ kind, reason, attribution, by, candidates }) => {
        const [candidate] = candidates ?? [];
        return [kind, reason, attribution, (by ?? candidate)?.operation].join(' ');
      });
      expect(told).toEqual([
        'start booted call virDomainCreate',
        'resource update call virDomainAddIOThread',
        'resource update call virDomainDelIOThread',
        'resource snapshot call virDomainSnapshotCreateXML',
        'resource mirror call virDomainBlockCopy',
        'stop crashed call virDomainCoreDump',
        'start booted call virDomainCreate',
        'stop saved call virDomainSave',
        'start restored call virDomainRestore',
        'stop destroyed call virDomainDestroy',
        'start booted call virDomainCreateWithFlags',
        'stop destroyed ambiguous virDomainCreateWithFlags',
        'start booted call virDomainCreate',
        'stop from-snapshot call virDomainRevertToSnapshot',
        'start from-snapshot call virDomainRevertToSnapshot',
        'stop failed none ',
      ]);
    },
    120_000,
  );
});
