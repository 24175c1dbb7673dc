// Audit logs made by chance, of what libvirt does: no lost records, since there auvirt is wrong.

/** Numbers from 0 up to 1, always the same of one seed (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Guest {
  readonly number: number;
  running: boolean;
  /** As the fields of records have them. */
  disks: string[];
  memory: number;
}

const TAIL = 'exe="/usr/sbin/libvirtd" hostname=? addr=? terminal=?';
const GUESTS = 5;

/** A log of about so many events of guests, among those of others. */
export function randomLog(seed: number, events: number): string {
  return new RandomLog(chance(seed)).make(events);
}

class RandomLog {
  readonly #next: () => number;
  readonly #guests: Guest[] = [];
  readonly #lines: string[] = [];
  #time = 1_700_000_000_000;
  #serial = 100;

  constructor(next: () => number) {
    this.#next = next;
    for (let number = 0; number < GUESTS; number++) this.#guests.push({ number, running: false, disks: [], memory: 0 });
  }

  make(events: number): string {
    for (let made = 0; made < events; made++) this.#step();
    return `${this.#lines.join('\n')}\n`;
  }

  #step(): void {
    const guest = this.#guests[this.#below(GUESTS)];
    if (guest === undefined) return;
    this.#time += this.#below(this.#next() < 0.02 ? 200_000_000 : 100_000);
    if (!guest.running) this.#start(guest);
    else if (this.#next() < 0.3) this.#stop(guest);
    else this.#change(guest);
  }

  #below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  #record(type: string, guest: Guest, text: string, rest: string, result = 'success'): void {
    const uuid = `f05e5f24-c3a0-4eac-91fc-${String(guest.number).padStart(12, '0')}`;
    const name =
      guest.number === 3 ? Buffer.from('gäst drei, länger als die Spalte').toString('hex').toUpperCase() : '';
    const body = `virt=kvm ${text} vm=${name || `"guest-${guest.number}"`} uuid=${uuid} ${rest} ${TAIL} res=${result}`;
    const user = guest.number === 4 ? 60001 : 0;
    this.#line(type, `pid=900 uid=${user} auid=4294967295 ses=4294967295 msg='${body}'`);
  }

  #line(type: string, body: string): void {
    const seconds = Math.floor(this.#time / 1000);
    const millis = String(this.#time % 1000).padStart(3, '0');
    this.#lines.push(`type=${type} msg=audit(${seconds}.${millis}:${this.#serial++}): ${body}`);
  }

  #resource(guest: Guest, kind: string, reason: string, rest: string, result?: string): void {
    this.#record('VIRT_RESOURCE', guest, `resrc=${kind} reason=${reason}`, rest, result);
  }

  #start(guest: Guest): void {
    const first = `/img/${guest.number}-${this.#below(1000)}`;
    guest.disks = [this.#next() < 0.3 ? Buffer.from(`${first} a\nb`).toString('hex').toUpperCase() : `"${first}.img"`];
    guest.memory = 1024 * (1 + this.#below(8));
    const context = `system_u:system_r:svirt_t:s0:c${guest.number},c${100 + guest.number}`;
    this.#record('VIRT_MACHINE_ID', guest, '', `vm-ctx=${context} img-ctx=? model=selinux`);
    const cgroup = 'cgroup="/sys/fs/cgroup/machine/x/"';
    this.#resource(guest, 'cgroup', 'deny', `${cgroup} class=all`);
    this.#resource(guest, 'cgroup', 'allow', `${cgroup} class=path path="/dev/kvm" rdev=0A:E8 acl=rw`);
    this.#resource(guest, 'cgroup', 'allow', `${cgroup} class=major category=pty maj=88 acl=rw`);
    this.#resource(guest, 'disk', 'start', `old-disk="?" new-disk=${guest.disks[0]}`);
    this.#resource(guest, 'chardev', 'start', 'old-chardev="?" new-chardev="/dev/pts/3"');
    this.#resource(guest, 'mem', 'start', `old-mem=0 new-mem=${guest.memory}`);
    const failed = this.#next() < 0.2;
    const result = failed ? 'failed' : 'success';
    this.#record('VIRT_CONTROL', guest, 'op=start reason=booted', `vm-pid=${1000 + this.#serial}`, result);
    guest.running = !failed;
  }

  #stop(guest: Guest): void {
    this.#record('VIRT_CONTROL', guest, 'op=stop reason=shutdown', 'vm-pid=0');
    guest.running = false;
  }

  #change(guest: Guest): void {
    const choice = this.#below(5);
    const result = this.#next() < 0.2 ? 'failed' : 'success';
    if (choice === 0) this.#attach(guest, result);
    else if (choice === 1) this.#detach(guest, result);
    else if (choice === 2) this.#balloon(guest, result);
    else if (choice === 3) this.#denial(guest);
    else this.#call(guest);
  }

  #attach(guest: Guest, result: string): void {
    const disk = `"/img/${guest.number}-${this.#serial}.img"`;
    this.#resource(guest, 'disk', 'attach', `old-disk="?" new-disk=${disk}`, result);
    if (result === 'success') guest.disks.push(disk);
  }

  #detach(guest: Guest, result: string): void {
    const disk = guest.disks.at(-1);
    if (disk === undefined) return;
    this.#resource(guest, 'disk', 'detach', `old-disk=${disk} new-disk="?"`, result);
    if (result === 'success') guest.disks.pop();
  }

  #balloon(guest: Guest, result: string): void {
    const memory = guest.memory + 512;
    this.#resource(guest, 'mem', 'update', `old-mem=${guest.memory} new-mem=${memory}`, result);
    if (result === 'success') guest.memory = memory;
  }

  /** An AVC with the records that the kernel writes to it. */
  #denial(guest: Guest): void {
    const context = `system_u:system_r:svirt_t:s0:c${guest.number},c${100 + guest.number}`;
    const operations = ['{ read }', '{ read write }', '{ relabelfrom }'][this.#below(3)];
    this.#line(
      'AVC',
      `avc:  denied  ${operations} for  pid=1 comm="qemu-kvm" name="shadow" dev="vda1" ino=17 scontext=${context} ` +
        'tcontext=system_u:object_r:shadow_t:s0 tclass=file permissive=0',
    );
    this.#serial--;
    this.#line(
      'SYSCALL',
      `arch=c000003e syscall=257 success=no exit=-13 ppid=1 pid=1 auid=4294967295 uid=107 gid=107 comm="qemu-kvm" exe="/usr/bin/qemu-kvm" subj=${context} key=(null)`,
    );
    this.#serial--;
    this.#line('PROCTITLE', 'proctitle=71656D75');
  }

  /** As virtshim records it. */
  #call(guest: Guest): void {
    this.#record('VIRT_CONTROL', guest, 'op=virDomainSuspend reason=permitted', 'rid=0123456789abcdef comm="virsh"');
  }
}
