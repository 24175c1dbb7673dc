// Sessions of guests from audit logs: what auvirt gets right, and what it gets wrong.
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { eventRows } from '../../src/report/rows.js';
import { select } from '../../src/report/selection.js';
import { summaryOf } from '../../src/report/summary.js';
import {
  disk,
  holdings,
  label,
  line,
  outline,
  read,
  resource,
  start,
  stop,
  T0,
  UUID,
  virt,
} from '../support/audit_log.js';
import { ROOT } from '../support/paths.js';

const OTHER = { vm: '"other"', uuid: '0b2c3d4e-1111-4222-8333-444455556666' };
const fixture = (name: string) => read('', [join(ROOT, 'test/fixtures/auvirt', name, 'audit.log')]);

/** What happened to guests besides: event and guest. */
function joined({ sessions }: Awaited<ReturnType<typeof read>>['report']): string[] {
  return sessions.flatMap(({ guest, security }) =>
    security.map(({ event, by }) => `${event.proof.id.split(':')[1]} ${event.type} ${guest.name} by ${by}`),
  );
}

const avc = (after: number, categories: string, pid = 4242) => [
  line(
    'AVC',
    after,
    `avc:  denied  { read } for  pid=${pid} comm="qemu-kvm" name="shadow" scontext=system_u:system_r:svirt_t:${categories} tcontext=system_u:object_r:shadow_t:s0 tclass=file`,
  ),
];
const anomaly = (after: number, pid: number, categories: string) =>
  line(
    'ANOM_ABEND',
    after,
    `auid=4294967295 uid=107 subj=system_u:system_r:svirt_t:${categories} pid=${pid} comm="qemu" sig=6`,
  );

describe('the end of a session', () => {
  test('is its stop, to the millisecond', async () => {
    const { report } = await fixture('case03');
    expect(outline(report)).toEqual(['demo 0..3600 stop']);
    const [session] = report.sessions;
    expect((session?.end?.time ?? 0) - (session?.start?.time ?? 0)).toBe(3_600_000);
    expect(session?.end?.event.kind === 'control' && session.end.event.reason).toBe('destroyed');
  });

  test('is at the latest when the host booted again, where there is no stop', async () => {
    const { report } = await fixture('case07');
    expect(outline(report)).toEqual(['demo 0..1000 boot', 'demo 1100..2000 stop']);
    expect(holdings(report).filter((text) => text.startsWith('disk'))).toEqual([
      'disk /var/lib/libvirt/images/demo.qcow2 0..1000',
      'disk /var/lib/libvirt/images/demo.qcow2 1100..2000',
    ]);
    expect(eventRows(report).filter(({ type }) => type === 'boot')).toHaveLength(1);
    expect(summaryOf(report)).toMatchObject({ starts: 2, stops: 1, lost: 1, boots: 1, running: 0 });
  });

  test('is when the host was shut down, of all guests and of what they held', async () => {
    const { report } = await read([
      disk(0, 'start', '?', '/a'),
      start(0),
      start(10, 5, OTHER),
      stop(20, 'destroyed', OTHER),
      line('SYSTEM_SHUTDOWN', 100, `pid=1 uid=0 msg=' comm="systemd-update-utmp" res=success'`),
      line('SYSTEM_BOOT', 200, `pid=1 uid=0 msg=' comm="systemd-update-utmp" res=success'`),
      start(300),
    ]);
    expect(outline(report)).toEqual(['demo 0..100 shutdown', 'other 10..20 stop', 'demo 300..? open']);
    expect(holdings(report)).toEqual(['disk /a 0..100']);
  });

  test('is corrected where libvirt still records the stop after the shutdown', async () => {
    const down = line('SYSTEM_SHUTDOWN', 100, 'pid=1 uid=0');
    const { report } = await read([disk(0, 'start', '?', '/a'), start(0), down, stop(101, 'shutdown')]);
    expect(outline(report)).toEqual(['demo 0..101 stop']);
    expect(holdings(report)).toEqual(['disk /a 0..101']);
  });

  test('is at the latest the next start, where the stop is missing', async () => {
    const { report } = await fixture('case29');
    expect(outline(report)).toEqual([
      'demo ?..0 stop',
      'demo 10..20 stop',
      'demo ?..30 stop',
      'demo 40..50 restart',
      'demo 50..60 stop',
      'b 70..90 stop',
    ]);
    expect(report.sessions.at(-1)?.failedStops).toHaveLength(1);
  });

  test('of one host is not that of another', async () => {
    const on = (node: string, text: string) => `node=${node} ${text}`;
    const { report } = await read([
      on('hv1', start(0)),
      on('hv2', start(1, 7, OTHER)),
      on('hv1', line('SYSTEM_SHUTDOWN', 50, 'pid=1 uid=0')),
      on('hv2', stop(60, 'shutdown', OTHER)),
    ]);
    expect(outline(report)).toEqual(['demo 0..50 shutdown', 'other 1..60 stop']);
    expect(report.sessions.map(({ node }) => node)).toEqual(['hv1', 'hv2']);
  });

  test('is found where it stands before the start in the file', async () => {
    const { report } = await read([stop(100), start(0), stop(400), start(300)]);
    expect(outline(report)).toEqual(['demo 0..100 stop', 'demo 300..400 stop']);
  });
});

describe('a resource', () => {
  test('is held from attach to detach, and one that was there before from nobody knows when', async () => {
    const { report } = await fixture('case09');
    expect(holdings(report)).toEqual([
      'disk /var/lib/libvirt/images/demo.qcow2 0..120',
      'net 52:54:00:db:ae:b4 0..600',
      'mem 1048576 0..600',
      'vcpu 2 0..600',
      'disk /img/b.img 60..90',
      'disk /img/c.img 70..failed',
      'disk /iso/1.iso ?..100',
      'disk /iso/2.iso 100..110',
      'disk /img/snap1.qcow2 120..600',
      'disk /img/mirror.raw 130..600',
    ]);
  });

  test('that is taken away again and again is taken once', async () => {
    const { report } = await fixture('case41');
    expect(holdings(report)).toEqual(['disk /img/a.img 0..10']);
    const [disks] = eventRows(report);
    expect(disks?.proof.map(({ id }) => id)).toEqual(['1700000000.100:100', '1700000010.100:102']);
  });

  test('of an earlier session is left alone', async () => {
    const { report } = await read([
      ...[disk(0, 'start', '?', '/a'), start(1), stop(10)],
      ...[start(20), disk(30, 'detach', '/a', '?'), stop(40)],
    ]);
    expect(holdings(report)).toEqual(['disk /a 0..10', 'disk /a ?..30']);
  });

  test('of any kind counts', async () => {
    const { report } = await read([
      resource(0, 'chardev', 'start', 'old-chardev="?" new-chardev="/dev/pts/3"'),
      resource(0, 'dev', 'start', 'bus=usb device=555342207265646972646576'),
      resource(0, 'tpm-emulator', 'start', 'device="/run/swtpm.sock"'),
      resource(0, 'shmem', 'start', 'size=4194304 path=/dev/shm/one'),
      resource(0, 'evdev', 'start', 'path=/dev/input/event1'),
      resource(0, 'net', 'open', 'net="52:54:00:00:00:01" path="/dev/net/tun" rdev=0A:C8'),
      resource(0, 'iothread', 'start', 'old-iothread=0 new-iothread=2'),
      start(1),
      resource(5, 'dev', 'detach', 'bus=usb device=555342207265646972646576'),
      resource(6, 'iothread', 'update', 'old-iothread=2 new-iothread=3'),
      stop(10),
    ]);
    expect(holdings(report)).toEqual([
      'chardev /dev/pts/3 0..10',
      'dev USB redirdev 0..5',
      'tpm-emulator /run/swtpm.sock 0..10',
      'shmem /dev/shm/one 0..10',
      'evdev /dev/input/event1 0..10',
      'net /dev/net/tun 0..10',
      'iothread 2 0..6',
      'iothread 3 6..10',
    ]);
  });

  test('that a cgroup allows is held until it is denied', async () => {
    const path = (after: number, reason: string, file: string) =>
      resource(after, 'cgroup', reason, `cgroup="/sys/fs/cgroup/x/" class=path path="${file}" rdev=01:03 acl=rw`);
    const { report } = await read([
      resource(0, 'cgroup', 'deny', 'cgroup="/sys/fs/cgroup/x/" class=all'),
      ...[
        path(0, 'allow', '/dev/null'),
        path(0, 'allow', '/dev/kvm'),
        start(1),
        path(5, 'deny', '/dev/null'),
        stop(10),
      ],
    ]);
    expect(holdings(report)).toEqual([
      ...['cgroup all 0..0', 'cgroup /dev/null 0..5', 'cgroup /dev/kvm 0..10', 'cgroup /dev/null 5..5'],
    ]);
  });

  test('of a start that fails ends with it', async () => {
    const { report } = await fixture('case05');
    expect(report.sessions.map(({ failed }) => failed)).toContain(true);
    expect(holdings(report).every((text) => !text.endsWith('?'))).toBe(true);
  });
});

describe('records of clients', () => {
  test('are calls, whatever they look like', async () => {
    const { report, events } = await fixture('case21');
    expect(holdings(report)).toEqual([
      ...['disk /var/lib/libvirt/images/demo.qcow2 0..100', 'net 52:54:00:db:ae:b4 0..100'],
      ...['mem 1048576 0..100', 'vcpu 2 0..100', 'disk /img/b.img 60..100'],
    ]);
    expect(events.filter(({ kind }) => kind === 'call')).toHaveLength(2);
  });

  test('that claim to start and stop change no session', async () => {
    const claim = (after: number, op: string, result: string) =>
      virt('VIRT_CONTROL', after, `op=${op} reason=denied`, 'uri="qemu:///system" comm="virsh"', { result });
    const { report, events } = await read([
      ...[claim(0, 'start', 'success'), start(1), claim(2, 'start', 'failed'), claim(3, 'stop', 'success'), stop(9)],
    ]);
    expect(outline(report)).toEqual(['demo 1..9 stop']);
    expect(events.filter(({ kind }) => kind === 'call')).toHaveLength(3);
  });

  test('of virtshim are read with all they say', async () => {
    const body =
      'virt=qemu op=virDomainDestroy reason=denied vm=C3A4 uuid=F05E5F24-C3A0-4EAC-91FC-72623B255373 rule="no%20destroy" ' +
      'apiflags=0x1 rid=5f3a0c9be1d27704 chain=b8f5308c927281a1 asserted-actor="al%C3%AF" asserted-via="web" ' +
      'uri="qemu+ssh://h/system?keyfile%3D/k" comm="virsh" exe="/usr/bin/virsh" hostname=? addr=? terminal=pts/3 res=failed';
    const { events } = await read([
      line('VIRT_CONTROL', 5, `pid=7001 uid=1000 auid=1000 ses=3 msg='${body}'\x1dUID="al" AUID="ice"`),
    ]);
    expect(events).toMatchObject([
      {
        kind: 'call',
        guest: { name: 'ä', uuid: UUID },
        subject: {
          pid: 7001,
          uid: 1000,
          auid: 1000,
          userName: 'al',
          loginName: 'ice',
          comm: 'virsh',
          terminal: 'pts/3',
        },
        rid: '5f3a0c9be1d27704',
        operation: 'virDomainDestroy',
        verdict: 'denied',
        success: false,
        rule: 'no destroy',
        uri: 'qemu+ssh://h/system?keyfile=/k',
        asserted: { actor: 'alï', via: 'web' },
        arguments: { apiflags: '0x1' },
      },
    ]);
  });
});

describe('denials and anomalies', () => {
  test('belong to the guest of the label, while it runs, with or without a SYSCALL record', async () => {
    const { report } = await read([
      ...[label(0, 's0:c1,c2'), start(1), ...avc(5, 's0:c1,c2'), stop(10), ...avc(11, 's0:c1,c2')],
      ...[label(20, 's0:c1,c2', OTHER), start(21, 7, OTHER), ...avc(25, 's0:c1,c2')],
    ]);
    expect(joined(report).map((text) => text.replace(/^\d+ /, ''))).toEqual([
      'AVC demo by label',
      'AVC other by label',
    ]);
    expect(report.unmatched).toHaveLength(1);
  });

  test('of AppArmor are told once', async () => {
    const { report } = await fixture('case25');
    expect(joined(report)).toEqual([
      '104 AVC demo by profile',
      '105 AVC demo by profile',
      '106 AVC demo by object',
      '108 AVC demo by profile',
    ]);
    expect(report.unmatched.map(({ proof }) => proof.id)).toEqual(['1700000016.100:107', '1700000110.100:110']);
  });

  test('are found by the process, whatever came after the start', async () => {
    expect(joined((await fixture('case27')).report)).toEqual([
      '107 ANOM_ABEND demo by pid',
      '108 ANOM_LINK demo by pid',
    ]);
  });

  test('are found by the label where the process is another', async () => {
    const { report } = await read([
      label(0, 's0:c1,c2'),
      start(1),
      anomaly(5, 99, 's0:c1,c2'),
      anomaly(6, 98, 's0:c8,c9'),
    ]);
    expect(joined(report).map((text) => text.replace(/^\d+ /, ''))).toEqual(['ANOM_ABEND demo by label']);
    expect(report.unmatched).toHaveLength(1);
  });

  test('of the process go before those of the label', async () => {
    expect(joined((await fixture('case39')).report)).toEqual(['109 AVC web by label', '108 ANOM_ABEND db by pid']);
  });

  test('of others at a guest’s image concern the guest', async () => {
    const text =
      'avc:  denied  { write } for  pid=5 comm="dd" name="a.img" scontext=u:r:user_t:s0 tcontext=u:r:svirt_image_t:s0:c1,c2';
    const { report } = await read([label(0, 's0:c1,c2'), start(1), line('AVC', 5, text)]);
    expect(joined(report).map((each) => each.replace(/^\d+ /, ''))).toEqual(['AVC demo by object']);
  });

  test('have the user of their SYSCALL record, also with others in between', async () => {
    const stamp = (type: string, id: number, body: string) => `type=${type} msg=audit(${T0 + 5}.000:${id}): ${body}`;
    const denied = (id: number) =>
      stamp('AVC', id, 'avc:  denied  { read } for  pid=1 comm="q" scontext=u:r:svirt_t:s0:c1,c2 tcontext=u:r:t:s0');
    const { report } = await read([
      ...[label(0, 's0:c1,c2'), start(1), denied(7), denied(9)],
      ...[stamp('SYSCALL', 9, 'pid=1 uid=109 comm="q"'), stamp('SYSCALL', 7, 'pid=1 uid=107 comm="q"')],
    ]);
    expect(report.sessions[0]?.security.map(({ event }) => event.subject.uid)).toEqual([107, 109]);
  });
});

describe('a selection', () => {
  test('keeps sessions that were under way', async () => {
    const { report } = await fixture('case31');
    const at = (after: number) => (T0 + after) * 1000;
    expect(outline(select(report, { since: at(400) }))).toEqual(['demo 0..3600 stop']);
    expect(outline(select(report, { since: at(400), until: at(500) }))).toEqual(['demo 0..3600 stop']);
    expect(outline(select(report, { since: at(3700) }))).toEqual([]);
    expect(outline(select(report, { until: at(-1) }))).toEqual([]);
  });

  test('of a guest leaves out those of others, and what is of none', async () => {
    const { report } = await fixture('case16');
    expect(outline(select(report, { vm: 'web' }))).toEqual(['web 0..300 stop', 'web 200..500 stop']);
    expect(outline(select(report, { uuid: UUID.toUpperCase() }))).toEqual(['web 0..300 stop', 'web-old 400..600 stop']);
  });
});
