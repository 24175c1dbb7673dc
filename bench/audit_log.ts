/** Makes audit logs of any size: the records of a busy host, with the starts and stops of guests among them. */
import { closeSync, openSync, writeSync } from 'node:fs';

const startSeconds = 1_700_000_000;
const libvirtd = 'pid=900 uid=0 auid=4294967295 ses=4294967295 subj=system_u:system_r:virtd_t:s0-s0:c0.c1023';
const tail = 'exe="/usr/sbin/libvirtd" hostname=? addr=? terminal=? res=success\'';
const enriched = '\x1dUID="root" AUID="unset"';

/** Lines of one event of a host's everyday life; `S` stands for time and serial. */
const everyday: readonly string[][] = [
  [
    'type=SYSCALL msg=audit(S): arch=c000003e syscall=59 success=yes exit=0 a0=55d0c8a1f2a0 a1=55d0c8a1f300 a2=55d0c8a0e010 a3=8 items=2 ppid=3488 pid=3489 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=3 comm="systemctl" exe="/usr/bin/systemctl" subj=unconfined key="exec"\x1dARCH=x86_64 SYSCALL=execve AUID="alice" UID="root" GID="root" EUID="root" SUID="root" FSUID="root" EGID="root" SGID="root" FSGID="root"',
    'type=EXECVE msg=audit(S): argc=3 a0="systemctl" a1="is-active" a2="libvirtd.service"',
    'type=CWD msg=audit(S): cwd="/root"',
    'type=PATH msg=audit(S): item=0 name="/usr/bin/systemctl" inode=131899 dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0\x1dOUID="root" OGID="root"',
    'type=PATH msg=audit(S): item=1 name="/lib64/ld-linux-x86-64.so.2" inode=132097 dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0\x1dOUID="root" OGID="root"',
    'type=PROCTITLE msg=audit(S): proctitle=73797374656D63746C0069732D616374697665006C69627669727464',
  ],
  [
    `type=USER_ACCT msg=audit(S): pid=4711 uid=0 auid=4294967295 ses=4294967295 subj=unconfined msg='op=PAM:accounting grantors=pam_permit acct="root" exe="/usr/sbin/cron" hostname=? addr=? terminal=cron res=success'${enriched}`,
  ],
  [
    `type=SERVICE_START msg=audit(S): pid=1 uid=0 auid=4294967295 ses=4294967295 subj=unconfined msg='unit=logrotate comm="systemd" exe="/usr/lib/systemd/systemd" hostname=? addr=? terminal=? res=success'${enriched}`,
  ],
  [
    'type=BPF msg=audit(S): prog-id=97 op=LOAD',
    'type=SYSCALL msg=audit(S): arch=c000003e syscall=321 success=yes exit=30 a0=5 a1=7ff76d3fc070 a2=90 a3=7ff75c000130 items=0 ppid=1 pid=3398 auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm="rpc-libvirtd" exe="/usr/sbin/libvirtd" subj=unconfined key=(null)\x1dARCH=x86_64 SYSCALL=bpf AUID="unset" UID="root" GID="root" EUID="root" SUID="root" FSUID="root" EGID="root" SGID="root" FSGID="root"',
    'type=PROCTITLE msg=audit(S): proctitle=6C69627669727464002D64',
  ],
];

const avc = [
  'type=AVC msg=audit(S): avc:  denied  { read } for  pid=4242 comm="qemu-kvm" name="shadow" dev="vda1" ino=17 scontext=system_u:system_r:svirt_t:s0:c107,c434 tcontext=system_u:object_r:shadow_t:s0 tclass=file permissive=0',
  'type=SYSCALL msg=audit(S): arch=c000003e syscall=257 success=no exit=-13 a0=ffffff9c a1=7f00 a2=0 a3=0 items=0 ppid=1 pid=4242 auid=4294967295 uid=107 gid=107 euid=107 suid=107 fsuid=107 egid=107 sgid=107 fsgid=107 tty=(none) ses=4294967295 comm="qemu-kvm" exe="/usr/bin/qemu-kvm" subj=system_u:system_r:svirt_t:s0:c107,c434 key=(null)',
  'type=PROCTITLE msg=audit(S): proctitle=71656D75',
];

export interface LogShape {
  readonly bytes: number;
  /** Share of lines that are libvirt's: 0.02 is 2 %; 1 makes a log of nothing else. */
  readonly virtShare: number;
  readonly guests: number;
}

function uuidOf(guest: number): string {
  return `f05e5f24-c3a0-4eac-91fc-${guest.toString(16).padStart(12, '0')}`;
}

function startLines(guest: number): string[] {
  const who = `vm="guest-${guest}" uuid=${uuidOf(guest)}`;
  const label = `s0:c${guest % 1024},c${1024 + Math.floor(guest / 1024)}`;
  const resource = (text: string) =>
    `type=VIRT_RESOURCE msg=audit(S): ${libvirtd} msg='virt=kvm ${text} ${tail}${enriched}`;
  const cgroup = `cgroup="/sys/fs/cgroup/machine.slice/machine-qemu-${guest}.scope/"`;
  return [
    `type=VIRT_MACHINE_ID msg=audit(S): ${libvirtd} msg='virt=kvm ${who} vm-ctx=system_u:system_r:svirt_t:${label} img-ctx=system_u:object_r:svirt_image_t:${label} model=selinux ${tail}${enriched}`,
    resource(`resrc=cgroup reason=deny ${who} ${cgroup} class=all`),
    resource(`resrc=cgroup reason=allow ${who} ${cgroup} class=path path="/dev/kvm" rdev=0A:E8 acl=rw`),
    resource(`resrc=disk reason=start ${who} old-disk="?" new-disk="/var/lib/libvirt/images/guest-${guest}.qcow2"`),
    resource(`resrc=net reason=start ${who} old-net="?" new-net="52:54:00:00:00:01"`),
    resource(`resrc=mem reason=start ${who} old-mem=0 new-mem=1048576`),
    resource(`resrc=vcpu reason=start ${who} old-vcpu=0 new-vcpu=2`),
    `type=VIRT_CONTROL msg=audit(S): ${libvirtd} msg='virt=kvm op=start reason=booted ${who} vm-pid=${10_000 + guest} ${tail}${enriched}`,
  ];
}

function stopLines(guest: number): string[] {
  return [
    `type=VIRT_CONTROL msg=audit(S): ${libvirtd} msg='virt=kvm op=stop reason=destroyed vm="guest-${guest}" uuid=${uuidOf(guest)} vm-pid=0 ${tail}${enriched}`,
  ];
}

/** One guest after the other is started, then one after the other stopped, and so on. */
function* virtLines(guests: number): Generator<string> {
  for (;;) {
    for (let guest = 0; guest < guests; guest++) yield* startLines(guest);
    for (let guest = 0; guest < guests; guest++) yield* stopLines(guest);
  }
}

/** Events in the order of a log: single ones of libvirt among the host's. */
function* events({ virtShare, guests }: LogShape): Generator<readonly string[]> {
  const virt = virtLines(guests);
  let lines = 0;
  let virtual = 0;
  for (let round = 0; ; round++) {
    while (virtual <= lines * virtShare) {
      yield [String(virt.next().value)];
      lines++;
      virtual++;
    }
    const event = round % 2000 === 1999 ? avc : (everyday[round % everyday.length] ?? avc);
    lines += event.length;
    if (virtShare < 1) yield event;
  }
}

/** Writes a log of about `shape.bytes`; returns the number of lines. */
export function writeAuditLog(file: string, shape: LogShape): number {
  const descriptor = openSync(file, 'w', 0o600);
  let serial = 1;
  let written = 0;
  let lines = 0;
  let block = '';
  for (const event of events(shape)) {
    const time = startSeconds * 1000 + serial * 7;
    const stamp = `${Math.floor(time / 1000)}.${String(time % 1000).padStart(3, '0')}:${serial++}`;
    for (const line of event) block += `${line.replace('audit(S)', `audit(${stamp})`)}\n`;
    lines += event.length;
    if (block.length < 1 << 20) continue;
    written += writeSync(descriptor, block, null, 'latin1');
    block = '';
    if (written >= shape.bytes) break;
  }
  closeSync(descriptor);
  return lines;
}
