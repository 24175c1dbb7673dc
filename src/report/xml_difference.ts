/** What became different between two XML documents, by elements and attributes: white space and order do not count. */
import { childAt, type XmlElement, xmlText } from './xml_tree.js';

/** One difference. */
export interface XmlChange {
  readonly kind: 'added' | 'removed' | 'changed';
  /** `devices/disk[vda]/source/@file`: elements by what identifies them, the root left out. */
  readonly path: string;
  /** The text or attribute's value; of whole elements their XML. undefined where it was not there. */
  readonly before?: string;
  readonly after?: string;
}

/** The differences of two elements of one name, in the order of the documents. */
export function xmlDifference(before: XmlElement, after: XmlElement, path = ''): XmlChange[] {
  return [
    ...attributeChanges(before, after, path),
    ...valueChange(before.text, after.text, path),
    ...childChanges(before, after, path),
  ];
}

/** A whole element that came or went. */
export function wholeElement(kind: 'added' | 'removed', element: XmlElement, path: string): XmlChange {
  return { kind, path, [kind === 'added' ? 'after' : 'before']: xmlText(element) };
}

/** The element's name, and what tells it from its like: `disk[vda]`. */
export function labelOf(element: XmlElement): string {
  const identity = identityOf(element);
  return identity === undefined ? element.name : `${element.name}[${identity}]`;
}

function valueChange(before: string | undefined, after: string | undefined, path: string): XmlChange[] {
  if ((before ?? '') === (after ?? '') && (before === undefined) === (after === undefined)) return [];
  const kind = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  return [{ kind, path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
}

function attributeChanges(before: XmlElement, after: XmlElement, path: string): XmlChange[] {
  const names = new Set([...Object.keys(before.attributes), ...Object.keys(after.attributes)]);
  return [...names].flatMap((name) =>
    valueChange(before.attributes[name], after.attributes[name], join(path, `@${name}`)),
  );
}

function childChanges(before: XmlElement, after: XmlElement, path: string): XmlChange[] {
  const [old, now] = [labelled(before.children), labelled(after.children)];
  const changes: XmlChange[] = [];
  for (const [label, element] of old) {
    const successor = now.get(label);
    if (successor === undefined) changes.push(wholeElement('removed', element, join(path, label)));
    else changes.push(...xmlDifference(element, successor, join(path, label)));
  }
  for (const [label, element] of now) {
    if (!old.has(label)) changes.push(wholeElement('added', element, join(path, label)));
  }
  return changes;
}

/** Each under a label of its own: those that nothing tells apart are numbered. */
function labelled(elements: readonly XmlElement[]): Map<string, XmlElement> {
  const found = new Map<string, XmlElement>();
  const counts = new Map<string, number>();
  for (const element of elements) {
    const label = labelOf(element);
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    found.set(count === 1 ? label : `${label}#${count}`, element);
  }
  return found;
}

const join = (path: string, step: string): string => (path === '' ? step : `${path}/${step}`);

type Identity = (element: XmlElement) => string | undefined;

const attribute =
  (name: string, ...steps: readonly string[]): Identity =>
  (element) =>
    childAt(element, ...steps)?.attributes[name];

const target = attribute('dev', 'target');
const all =
  (...names: readonly string[]): Identity =>
  ({ attributes }) =>
    names.map((name) => attributes[name] ?? '').join(' ');

/** What tells a guest's devices and settings apart, as libvirt itself does when it updates or detaches one. */
const IDENTITIES: Readonly<Record<string, readonly Identity[]>> = {
  disk: [target],
  interface: [attribute('address', 'mac'), target],
  filesystem: [attribute('dir', 'target')],
  controller: [all('type', 'index')],
  hostdev: [(element) => hostAddress(childAt(element, 'source'))],
  channel: [attribute('name', 'target')],
  serial: [attribute('port', 'target')],
  parallel: [attribute('port', 'target')],
  console: [attribute('port', 'target')],
  graphics: [all('type')],
  input: [all('type', 'bus')],
  feature: [all('name')],
  vcpupin: [all('vcpu')],
  iothreadpin: [all('iothread')],
  cell: [all('id')],
  vcpu: [attribute('id')],
  boot: [attribute('dev')],
  timer: [all('name')],
  seclabel: [all('model')],
};

function identityOf(element: XmlElement): string | undefined {
  for (const identity of IDENTITIES[element.name] ?? []) {
    const value = identity(element)?.trim();
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

/** `0x0000:0x03:0x00.0x0` or `0x1234:0x5678`: the values of the address's parts. */
function hostAddress(source: XmlElement | undefined): string | undefined {
  return source?.children.flatMap(({ attributes }) => Object.values(attributes)).join(':');
}
