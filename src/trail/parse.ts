import { type Element, parseElement } from './element.js';
import type { TrailItem, TrailParam, TrailRecord, TrailValue } from './record.js';

/** Parses one line of trail.xml. Throws an Error that says what is wrong with it. */
export function parseRecord(line: string): TrailRecord {
  const root = parseElement(line);
  const type = root.name;
  if (type !== 'methodcall' && type !== 'methodresponse' && type !== 'notice') {
    throw new Error(`\`${type}\` is not a record`);
  }
  return { type, ...identityOf(root), ...(type === 'notice' ? noticeOf(root) : callOf(root)) };
}

function required(element: Element, name: string): string {
  const value = element.attributes[name];
  if (value === undefined) throw new Error(`<${element.name}> has no \`${name}\``);
  return value;
}

function requiredNumber(element: Element, name: string): number {
  return toNumber(required(element, name));
}

function toNumber(text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw new Error(`\`${text}\` is not a number`);
  return value;
}

/** Only the attributes that are there, so that absent ones stay absent in JSON. */
function optional<Name extends string>(element: Element, ...names: Name[]): { [key in Name]?: string } {
  const result: { [key in Name]?: string } = {};
  for (const name of names) {
    const value = element.attributes[name];
    if (value !== undefined) result[name] = value;
  }
  return result;
}

function identityOf(root: Element) {
  return {
    rid: required(root, 'rid'),
    seq: requiredNumber(root, 'seq'),
    time: required(root, 'time'),
    pid: requiredNumber(root, 'pid'),
    tid: requiredNumber(root, 'tid'),
    uid: requiredNumber(root, 'uid'),
    auid: requiredNumber(root, 'auid'),
    ses: requiredNumber(root, 'ses'),
    ...optional(root, 'tty'),
    comm: required(root, 'comm'),
    exe: required(root, 'exe'),
    ...optional(root, 'subj', 'policy'),
    nested: root.attributes.nested === '1',
    chain: required(root, 'chain'),
  };
}

function noticeOf(root: Element) {
  return { notice: { kind: required(root, 'kind'), text: root.text }, params: [] };
}

function callOf(root: Element) {
  const children: Record<string, Element> = {};
  for (const child of root.children) children[child.name] ??= child;
  const { event, state, decision, asserted, connection, resource, param, result, error, duration } = children;
  if (event === undefined) throw new Error(`<${root.name}> has no <event>`);
  return {
    event: event.text,
    ...(state && { success: state.text === '1' }),
    ...(decision && { decision: decisionOf(decision) }),
    ...(asserted && { asserted: assertionOf(asserted) }),
    ...(connection && { connection: connectionOf(connection) }),
    ...(resource && {
      resource: { kind: required(resource, 'kind'), ...optional(resource, 'name', 'uuid', 'parent') },
    }),
    params: (param?.children ?? []).map(paramOf),
    ...(result && { result: contentOf(result) }),
    ...(error && {
      error: {
        code: requiredNumber(error, 'code'),
        domain: requiredNumber(error, 'domain'),
        message: error.text,
      },
    }),
    ...(duration && { durationNs: toNumber(duration.text) }),
  };
}

function decisionOf(element: Element) {
  const effect = required(element, 'effect');
  if (effect !== 'permitted' && effect !== 'denied' && effect !== 'would-deny') {
    throw new Error(`\`${effect}\` is not an effect`);
  }
  return { effect, ...optional(element, 'rule'), reason: element.text } as const;
}

function assertionOf(element: Element) {
  return { ...optional(element, 'actor', 'via'), ...(element.text !== '' && { reason: element.text }) };
}

function connectionOf(element: Element) {
  const { readonly } = element.attributes;
  return {
    ...optional(element, 'driver', 'uri'),
    ...((readonly === '0' || readonly === '1') && { readOnly: readonly === '1' }),
  };
}

function contentOf(element: Element): TrailValue {
  return { attributes: element.attributes, text: element.text, items: element.children.map(itemOf) };
}

function paramOf(element: Element): TrailParam {
  return { name: element.name, ...contentOf(element) };
}

function itemOf(element: Element): TrailItem {
  return {
    ...optional(element, 'name', 'type'),
    ...(element.attributes.null !== '1' && { value: element.text }),
  };
}
