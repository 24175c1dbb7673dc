// The machine's own audit daemon, for tests of what went through the kernel.
import { spawnSync } from 'node:child_process';

/** Why records cannot be read back from the kernel's log, or undefined. */
export function whyNoAuditd(): string | undefined {
  if (process.geteuid?.() !== 0) return 'netlink delivery and the audit log need root';
  const status = spawnSync('auditctl', ['-s'], { encoding: 'utf8' }).stdout ?? '';
  if (/^enabled [12]/m.test(status) && /^pid [1-9]/m.test(status)) return undefined;
  return 'netlink delivery needs a running auditd: `chmod 750 /var/log/audit; auditd -s enable` starts one';
}
