// A record as the line of audit text that it has in audit.log: the same grammar and encodings as native/audit/text.cc.
import { textToBytes } from './escape.js';
import type { TrailParam, TrailRecord } from './record.js';

const AUDIT_PLAIN = /^[A-Za-z0-9._+@:/,-]+$/;
const PERCENT_PLAIN = /[A-Za-z0-9._~+@:/,?[\]-]/;
const WORD = /^[A-Za-z0-9_\-./:]{1,64}$/;
const MAX_TEXT = 4096;
const MAX_VM = 255;

interface Limits {
  readonly uri: number;
  readonly path: number;
  readonly exe: number;
  readonly rule: number;
  readonly target: number;
  readonly asserted: number;
}

const WIDE: Limits = { uri: 512, path: 400, exe: 512, rule: 256, target: 255, asserted: 256 };
const NARROW: Limits = { uri: 128, path: 96, exe: 128, rule: 64, target: 96, asserted: 64 };

/**
 * The audit text of a response as a whole line of a log, without the line end; undefined for other records. Serial
 * numbers are made from sequence numbers: 2147483648 and up, like those of audit.log, but not the same. `trail` is what
 * audit text calls the trail (trailId).
 */
export function auditLine(record: TrailRecord, trail?: string): string | undefined {
  if (record.type !== 'methodresponse') return undefined;
  const serial = 2 ** 31 + (record.seq % 2 ** 31);
  const seconds = Math.floor(Date.parse(`${record.time.slice(0, 19)}Z`) / 1000);
  const stamp = `${seconds}.${record.time.slice(20, 23)}:${serial}`;
  return `type=VIRT_CONTROL msg=audit(${stamp}): ${originOf(record)} msg='${auditText(record, trail)}'`;
}

function originOf({ pid, uid, auid, ses, subj }: TrailRecord): string {
  const label = subj?.split(' ')[0] ?? '';
  return `pid=${pid} uid=${uid} auid=${auid} ses=${ses}${WORD.test(label) ? ` subj=${label}` : ''}`;
}

/** The text between the quotes of `msg='...'`. */
export function auditText(record: TrailRecord, trail?: string): string {
  const wide = fieldsOf(record, WIDE, trail).join(' ');
  return wide.length <= MAX_TEXT ? wide : fieldsOf(record, NARROW, trail).join(' ');
}

function fieldsOf(record: TrailRecord, limits: Limits, trail: string | undefined): string[] {
  const denied = record.decision?.effect === 'denied';
  const uri = record.connection?.uri;
  return [
    `virt=${wordOr(record.connection?.driver)}`,
    `op=${record.event}`,
    `reason=${denied ? 'denied' : record.success ? 'permitted' : 'error'}`,
    ...guest(record, limits),
    ...extras(record, limits, denied),
    ...(trail === undefined ? [] : [`trail=${trail}`]),
    ...assertions(record, limits),
    ...(uri ? [`uri="${percent(cut(textToBytes(uri), limits.uri))}"`] : []),
    field('comm', textToBytes(record.comm)),
    field('exe', cut(textToBytes(record.exe), limits.exe)),
    'hostname=? addr=?',
    `terminal=${wordOr(record.tty)}`,
    `res=${record.success && !denied ? 'success' : 'failed'}`,
  ];
}

function guest({ resource }: TrailRecord, limits: Limits): string[] {
  if (resource === undefined || resource.kind === 'connect') return [];
  const { kind, name, uuid, parent } = resource;
  const domain = kind === 'domain';
  const vm = domain ? name : kind === 'domain-snapshot' || kind === 'domain-checkpoint' ? parent : undefined;
  return [
    ...(vm ? [field('vm', textToBytes(vm).subarray(0, MAX_VM))] : []),
    ...(domain && uuid !== undefined && WORD.test(uuid) ? [`uuid=${uuid}`] : []),
    ...(domain ? [] : [`target="${kind}:${percent(cut(textToBytes(name || uuid || ''), limits.target))}"`]),
  ];
}

function extras(record: TrailRecord, limits: Limits, denied: boolean): string[] {
  const rule = record.decision?.rule;
  const failed = !denied && record.success === false && record.error !== undefined;
  return [
    ...(rule ? [`rule="${percent(cut(textToBytes(rule), limits.rule))}"`] : []),
    ...(failed ? [`err=${record.error?.code}`] : []),
    ...argumentFields(record, limits),
    `rid=${record.rid}`,
    `chain=${record.chain.slice(0, 16)}`,
  ];
}

function assertions({ asserted }: TrailRecord, limits: Limits): string[] {
  return (['actor', 'via', 'reason'] as const).flatMap((name) => {
    const value = textToBytes(asserted?.[name] ?? '');
    const kept = cut(value, limits.asserted);
    return value.length === 0 ? [] : [`asserted-${name}="${percent(kept)}${kept.length < value.length ? '...' : ''}"`];
  });
}

function argumentFields({ event = '', params }: TrailRecord, limits: Limits): string[] {
  const param = (name: string) => params.find((candidate) => candidate.name === name);
  const flags = BigInt(param('flags')?.text || '0') & 0xffffffffn;
  const memory = /^virDomainSet(Max)?Memory(Flags)?$/.test(event) ? param('memory') : undefined;
  const vcpus = event.startsWith('virDomainSetVcpus') ? param('nvcpus') : undefined;
  return [
    ...(flags === 0n ? [] : [`apiflags=0x${flags.toString(16)}`]),
    ...(/^virDomain(Attach|Detach|Update)Device/.test(event) ? deviceFields(param('xml'), limits) : []),
    ...(memory ? [`new-mem=${memory.text}`] : []),
    ...(vcpus ? [`new-vcpu=${vcpus.text}`] : []),
  ];
}

function deviceFields(xml: TrailParam | undefined, limits: Limits): string[] {
  const text = xml?.text ?? '';
  const kind = /<([a-z]*)/.exec(text)?.[1] ?? '';
  const path = sourcePath(text);
  return [
    ...(WORD.test(kind) ? [`dev=${kind}`] : []),
    ...(path ? [field('path', cut(textToBytes(path), limits.path))] : []),
  ];
}

/** Only where there is no doubt which one libvirt takes; the record's XML has the whole argument. */
function sourcePath(xml: string): string | undefined {
  const [, tag, ...others] = xml.split('<source');
  if (tag === undefined || others.length > 0 || xml.includes('<!') || !/^[ \t\r\n]/.test(tag)) return undefined;
  const attributes = new Map<string, string>();
  for (const [, name = '', , value = ''] of attributesOf(tag)) if (!attributes.has(name)) attributes.set(name, value);
  const path = ['file', 'dev', 'dir', 'path'].map((name) => attributes.get(name)).find((value) => value);
  return path?.includes('&') ? undefined : path;
}

/** Name, quote and value of the attributes that follow an element's name, up to what is no attribute. */
function* attributesOf(tag: string): Generator<RegExpExecArray> {
  const attribute = /[ \t\r\n]*([^= \t\r\n]*)[ \t\r\n]*=[ \t\r\n]*(["'])(.*?)\2/sy;
  for (let match = attribute.exec(tag); match !== null; match = attribute.exec(tag)) yield match;
}

function wordOr(value: string | undefined): string {
  return value !== undefined && WORD.test(value) ? value : '?';
}

/** Bytes as a field that audit tools decode: quoted where all of them are harmless, else upper-case hex. */
function field(name: string, value: Buffer): string {
  if (value.length === 0) return `${name}="?"`;
  const text = value.toString('latin1');
  return AUDIT_PLAIN.test(text) ? `${name}="${text}"` : `${name}=${value.toString('hex').toUpperCase()}`;
}

function percent(value: Buffer): string {
  let text = '';
  for (const byte of value) {
    const character = String.fromCharCode(byte);
    text += PERCENT_PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

/** The longest prefix of at most `limit` bytes that does not end inside a UTF-8 sequence. */
function cut(value: Buffer, limit: number): Buffer {
  if (value.length <= limit) return value;
  let end = limit;
  for (let back = 0; back < 3 && end > 0 && ((value[end] ?? 0) & 0xc0) === 0x80; back++) end--;
  return value.subarray(0, end);
}
