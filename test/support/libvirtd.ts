// A libvirtd of the test's own: its sockets, configuration and state are in a temporary folder.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from './paths.js';
import { findTool } from './tools.js';
import { FIXTURES } from './transparency.js';

export interface Daemon {
  folder: string;
  pid: number;
  uri: string;
  adminUri: string;
  /** Ends it, where it runs still, and every qemu that it left. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  /** Folder of what libvirtd found out about qemu, which takes seconds; may be shared by daemons. */
  cache: string;
  env?: Readonly<Record<string, string>>;
  /** Who may connect over its socket; everybody unless told. */
  auth?: 'none' | 'sasl';
}

/** Why this machine cannot run a libvirtd for tests, or undefined. */
export function whyNoDaemon(): string | undefined {
  if (process.getuid?.() !== 0) return 'a libvirtd of its own needs root';
  const missing = ['libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'unshare'].filter(
    (tool) => findTool(tool) === undefined,
  );
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  const mounted = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
  return mounted.status === 0 ? undefined : 'mounting in a namespace is not permitted here';
}

/** Starts a libvirtd and waits for its socket; throws with what it said where it ends first. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const folder = temporaryFolder('libvirtd');
  writeConfiguration(folder, options.auth ?? 'none');
  const settings = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
  const script = ['sh', join(FIXTURES, 'start-libvirtd.sh'), folder, options.cache, ...settings];
  const child = spawn('unshare', ['-m', '--propagation', 'private', ...script], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const socket = join(folder, 'sock/libvirt-sock');
  for (let waited = 0; !existsSync(socket); waited += 50) {
    if (child.exitCode !== null || waited > 20_000) throw new Error(`libvirtd did not start: ${said}`);
    await sleep(50);
  }
  const namespace = new MountNamespace(child.pid ?? 0);
  return {
    folder,
    pid: child.pid ?? 0,
    uri: `qemu:///system?socket=${socket}`,
    adminUri: `libvirtd:///system?socket=${join(folder, 'sock/libvirt-admin-sock')}`,
    stop: () => stopDaemon(child, namespace),
  };
}

function writeConfiguration(folder: string, auth: string): void {
  mkdirSync(join(folder, 'etc'));
  mkdirSync(join(folder, 'sock'));
  writeFileSync(
    join(folder, 'etc/libvirtd.conf'),
    `unix_sock_dir = "${folder}/sock"\nauth_unix_rw = "${auth}"\nauth_unix_ro = "${auth}"\n`,
  );
  const qemu = [
    'user = "root"',
    'group = "root"',
    'dynamic_ownership = 0',
    'remember_owner = 0',
    'security_driver = "none"',
    'stdio_handler = "file"',
    'namespaces = []',
  ];
  writeFileSync(join(folder, 'etc/qemu.conf'), `${qemu.join('\n')}\n`);
}

async function stopDaemon(child: ChildProcess, namespace: MountNamespace): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(5_000, undefined, { ref: false })]);
  }
  await namespace.end();
}

/** What a daemon and its guests have to themselves: by it they are found when the daemon is dead, and nobody else is. */
class MountNamespace {
  /** Open until the end, so that its number is not given to another one. */
  #fd: number | undefined;

  constructor(pid: number) {
    this.#fd = openSync(`/proc/${pid}/ns/mnt`, 'r');
  }

  /** Kills whoever is left in it, and waits until nobody is. */
  async end(): Promise<void> {
    if (this.#fd === undefined) return;
    for (let waited = 0; waited < 5_000; waited += 20) {
      const left = processesIn(fstatSync(this.#fd).ino);
      if (left.length === 0) break;
      for (const pid of left) kill(pid);
      await sleep(20);
    }
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function processesIn(namespace: number): number[] {
  const isIn = (pid: number) => {
    try {
      return statSync(`/proc/${pid}/ns/mnt`).ino === namespace;
    } catch {
      // It has ended meanwhile, or it is none of ours.
      return false;
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter(isIn);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** A definition of a small qemu guest, emulated in software, with one disk. */
export function guestXml(name: string, uuid: string, disk: string): string {
  return `<domain type='qemu'>
  <name>${name}</name>
  <uuid>${uuid}</uuid>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='${disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <memballoon model='virtio'/>
  </devices>
</domain>
`;
}

/** Makes an empty qcow2 image. */
export function makeImage(path: string, size: string): string {
  const run = spawnSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, size], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`qemu-img: ${run.stderr}`);
  return path;
}
