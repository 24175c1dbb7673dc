// Reads one line of trail.xml with a real XML parser, independently of the package's own reader.
import { SaxesParser } from 'saxes';

export interface TrailRecord {
  root: string;
  rid: string;
  seq: number;
  pid: number;
  tid: number;
  nested: boolean;
  /** Of notices. */
  kind: string | undefined;
  /** The function's name. */
  event: string | undefined;
  state: number | undefined;
  effect: string | undefined;
  rule: string | undefined;
  reason: string | undefined;
  policy: string | undefined;
  connection: Readonly<Record<string, string>> | undefined;
  resource: Readonly<Record<string, string>> | undefined;
  error: { code: number; domain: number; message: string } | undefined;
  result: string | undefined;
  /** Text of a notice. */
  text: string;
  line: string;
}

interface Element {
  name: string;
  attributes: Record<string, string>;
  text: string;
}

/** Throws where the line is not one well-formed element. */
export function parseRecord(line: string): TrailRecord {
  const [root, ...children] = parseElements(line);
  if (root === undefined) throw new Error(`not a record: ${line}`);
  const child = (name: string) => children.find((element) => element.name === name);
  const { attributes } = root;
  const decision = child('decision');
  const error = child('error');
  const state = child('state');
  return {
    root: root.name,
    rid: attributes.rid ?? '',
    seq: Number(attributes.seq),
    pid: Number(attributes.pid),
    tid: Number(attributes.tid),
    nested: attributes.nested === '1',
    kind: attributes.kind,
    event: child('event')?.text,
    state: state === undefined ? undefined : Number(state.text),
    effect: decision?.attributes.effect,
    rule: decision?.attributes.rule,
    reason: decision?.text,
    policy: attributes.policy,
    connection: child('connection')?.attributes,
    resource: child('resource')?.attributes,
    error:
      error === undefined
        ? undefined
        : { code: Number(error.attributes.code), domain: Number(error.attributes.domain), message: error.text },
    result: child('result')?.text,
    text: root.text,
    line,
  };
}

// The root and its direct children; parameters deeper down are of no concern here.
function parseElements(line: string): Element[] {
  const elements: Element[] = [];
  const open: Element[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw new Error(`${error.message}: ${line}`);
  });
  parser.on('opentag', (tag) => {
    const element = { name: tag.name, attributes: tag.attributes as Record<string, string>, text: '' };
    open.push(element);
    if (open.length <= 2) elements.push(element);
  });
  parser.on('text', (text) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  });
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(line).close();
  return elements;
}
