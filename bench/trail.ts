/** Makes trails of any size: the calls of some programs on many guests, in a chain that verifies. */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const startSeconds = 1_780_000_000;
const zeros = '0'.repeat(64);

const functions = [
  'virDomainSuspend',
  'virDomainResume',
  'virDomainSetMemoryFlags',
  'virDomainDestroy',
  'virDomainCreate',
];
const programs = [
  { pid: 4242, uid: 0, auid: 1000, ses: 3, comm: 'virsh', exe: '/usr/bin/virsh' },
  { pid: 911, uid: 1001, auid: 1001, ses: 9, comm: 'node', exe: '/usr/bin/node' },
  { pid: 1700, uid: 0, auid: 4294967295, ses: 4294967295, comm: 'python3', exe: '/usr/bin/python3.11' },
] as const;

export interface TrailShape {
  /** Each call has two records; a refused one has one. */
  readonly records: number;
  readonly guests: number;
}

/** Writes trail.xml into the folder; returns its size in bytes. Takes some microseconds a record. */
export function writeTrail(folder: string, { records, guests }: TrailShape): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = openSync(join(folder, 'trail.xml'), 'w', 0o600);
  const chain = new Chain();
  let size = 0;
  let pieces: string[] = [];
  const flush = () => {
    size += writeSync(file, pieces.join(''));
    pieces = [];
  };
  for (let call = 0; chain.sequence < records; call++) {
    for (const parts of linesOf(call, guests)) if (chain.sequence < records) pieces.push(chain.line(parts));
    if (pieces.length >= 2000) flush();
  }
  flush();
  closeSync(file);
  return size;
}

interface Parts {
  readonly type: string;
  readonly rid: string;
  readonly time: string;
  /** From ` pid=` to before the chain value. */
  readonly who: string;
  /** Behind the root's start tag. */
  readonly content: string;
}

/** docs/records.md says what is hashed. */
class Chain {
  sequence = 0;
  #value = zeros;

  line({ type, rid, time, who, content }: Parts): string {
    const head = `<${type} rid="${rid}" seq="${++this.sequence}" time="${time}"`;
    const rest = `">${content}</${type}>`;
    this.#value = createHash('sha256').update(`${who}${rest}${head}`).update(this.#value, 'hex').digest('hex');
    return `${head}${who}${this.#value}${rest}\n`;
  }
}

function linesOf(call: number, guests: number): Parts[] {
  const rid = (0x100000000000 + call * 7919).toString(16).padStart(16, '5');
  const denied = call % 50 === 49;
  const { pid, uid, auid, ses, comm, exe } = programs[call % programs.length] ?? programs[0];
  const who =
    ` pid="${pid}" tid="${pid}" uid="${uid}" auid="${auid}" ses="${ses}" comm="${comm}" exe="${exe}" ` +
    'policy="0123456789abcdef" chain="';
  const what = describe(call, guests, denied);
  const response = denied
    ? '<state>0</state><error code="88" domain="10">access denied: rule `production`</error>'
    : `<state>1</state><result>0</result><duration>${20_000 + (call % 9000)}</duration>`;
  const parts = { rid, who };
  return [
    ...(denied ? [] : [{ ...parts, type: 'methodcall', time: timeOf(call, 0), content: what }]),
    { ...parts, type: 'methodresponse', time: timeOf(call, 30_000), content: what + response },
  ];
}

function describe(call: number, guests: number, denied: boolean): string {
  const guest = (call * 31) % guests;
  const uuid = `6695eb01-f6a4-8304-79aa-${guest.toString(16).padStart(12, '0')}`;
  const decision = denied
    ? '<decision effect="denied" rule="production">rule `production`</decision>'
    : '<decision effect="permitted">default of set control</decision>';
  return (
    `<event>${functions[call % functions.length]}</event>${decision}` +
    '<connection driver="qemu" uri="qemu:///system" readonly="0"/>' +
    `<resource kind="domain" name="guest-${guest}" uuid="${uuid}"/>` +
    `<param><domain>guest-${guest}</domain><flags>0</flags></param>`
  );
}

/** A call every 10 ms. */
function timeOf(call: number, nanoseconds: number): string {
  const ms = startSeconds * 1000 + call * 10;
  return `${new Date(ms).toISOString().slice(0, -1)}${String(nanoseconds).padStart(6, '0')}Z`;
}
