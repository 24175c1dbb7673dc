/** XML documents as trees, to be compared. */
import { whenNeeded } from '../when_needed.js';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  /** Without white space at its ends. */
  text: string;
}

/** Deeper ones are no documents of libvirt's. */
const DEEPEST = 100;

/** The root of a document, or undefined where it is none: cut off, or not XML. Comments are left out. */
export function parseXml(text: string): XmlElement | undefined {
  const open: XmlElement[] = [];
  let root: XmlElement | undefined;
  let broken = false;
  const { SaxesParser } = whenNeeded('saxes');
  const parser = new SaxesParser();
  parser.on('error', () => {
    broken = true;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element: XmlElement = { name, attributes, children: [], text: '' };
    if (open.length < DEEPEST) open.at(-1)?.children.push(element);
    else broken = true;
    root ??= element;
    open.push(element);
  });
  const addText = (more: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += more;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const element = open.pop();
    if (element !== undefined) element.text = element.text.trim();
  });
  parser.write(text).close();
  return broken ? undefined : root;
}

/** The element on one line. */
export function xmlText({ name, attributes, children, text }: XmlElement): string {
  const said = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const content = escaped(text) + children.map(xmlText).join('');
  return `<${name}${said.join('')}${content === '' ? '/>' : `>${content}</${name}>`}`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

/** The children of that name below the element, by steps. */
export function childAt(element: XmlElement | undefined, ...steps: readonly string[]): XmlElement | undefined {
  let at = element;
  for (const step of steps) at = at?.children.find(({ name }) => name === step);
  return at;
}
