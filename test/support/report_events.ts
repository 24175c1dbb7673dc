// Days of a made-up host as events of a report: starts, stops with and without a cause, denials, failures, changes.
import type { CallEvent, ControlEvent, ReportEvent, ResourceEvent } from '../../src/report/event.js';

const BEGIN = Date.UTC(2026, 10, 20, 8);
const DAYS = 4 * 86_400_000;
const USERS = ['alice', 'bob', 'carol'];

/** `count` events or a few more, of `guests` guests, always the same. */
export function hostDays(count: number, guests: number): ReportEvent[] {
  const events: ReportEvent[] = [];
  const running = new Set<number>();
  for (let step = 0; events.length < count; step++) {
    const guest = step % guests;
    const time = BEGIN + (DAYS / count) * step;
    events.push(...happening(new Happening(guest, step, time), running.has(guest)));
    const last = events.at(-1);
    if (last?.kind === 'control') running[last.operation === 'start' ? 'add' : 'delete'](guest);
  }
  return events;
}

function happening(one: Happening, runs: boolean): ReportEvent[] {
  if (!runs) return [one.call('virDomainCreate', { rule: 'ops-may-start' }), one.control('start', 'booted')];
  switch ((one.step * 7 + Math.floor(one.step / 11)) % 10) {
    case 0:
    case 1:
      return [one.call('virDomainDestroy', { rule: 'ops-may-destroy' }), one.control('stop', 'destroyed')];
    case 2:
      return [one.control('stop', 'shutdown')];
    case 3:
    case 4:
      return [one.call('virDomainDestroy', { verdict: 'denied', success: false, rule: 'operator-no-destroy' })];
    case 5:
      return [one.call('virDomainSuspend')];
    case 6:
      return [one.call('virDomainResume')];
    case 7:
      return [one.memory()];
    case 8:
      return [one.call('virDomainSetMemory', { success: false, error: { code: 55, message: 'it does not run' } })];
    default:
      return [one.call('virDomainDefineXML', { arguments: { xml: one.definition() } })];
  }
}

class Happening {
  constructor(
    readonly guestIndex: number,
    readonly step: number,
    readonly time: number,
  ) {}

  call(operation: string, more: Partial<CallEvent> = {}): CallEvent {
    const user = this.step % USERS.length;
    const name = USERS[user] ?? '';
    const rid = (this.step + 1).toString(16).padStart(16, '0');
    return {
      ...{ kind: 'call', time: this.time, order: this.step, proof: { source: 'trail', id: rid }, guest: this.guest() },
      subject: {
        pid: 4000 + user,
        uid: 1000 + user,
        auid: 1000 + user,
        userName: name,
        loginName: name,
        comm: 'virsh',
      },
      ...{ rid, operation, verdict: 'permitted', success: true, nested: false, arguments: {}, duration: 20 },
      ...{ driver: 'QEMU', uri: 'qemu:///system', recordedIn: ['trail', 'audit'] },
      ...more,
    };
  }

  control(operation: string, reason: string): ControlEvent {
    const base = { ...this.libvirts(), time: this.time + 8 };
    return { ...base, kind: 'control', operation, reason, success: true, driver: 'kvm', guestPid: 9000 };
  }

  memory(): ResourceEvent {
    const values = { before: '65536', after: '131072', details: {} };
    return { ...this.libvirts(), kind: 'resource', resource: 'mem', reason: 'update', success: true, ...values };
  }

  definition(): string {
    return `<domain type='kvm'><name>${this.guestIndex}</name><memory unit='KiB'>${1000 + this.step}</memory></domain>`;
  }

  private guest() {
    // What a guest may be called; a page must take it for nothing but text.
    const name =
      this.guestIndex === 0 ? 'web</script><script>document.title="forged"</script>' : `guest-${this.guestIndex}`;
    return { name, uuid: `7777${String(this.guestIndex).padStart(4, '0')}-f6a4-8304-79aa-97f2502e193f` };
  }

  private libvirts() {
    const id = `${(this.time / 1000).toFixed(3)}:${this.step}`;
    const proof = { source: 'audit', id } as const;
    return { time: this.time, order: this.step, proof, guest: this.guest(), subject: { pid: 700, uid: 0 } };
  }
}
