// A small element tree: the API descriptions are a megabyte of plain elements and attributes.
import { SaxesParser } from 'saxes';

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
}

interface OpenElement extends Element {
  readonly children: Element[];
}

/** Parses `text`; character data is dropped. Throws where it is not well-formed. */
export function parseXml(text: string): Element {
  const top: OpenElement = { name: '', attributes: {}, children: [] };
  const open = [top];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element: OpenElement = { name, attributes, children: [] };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => open.pop());
  parser.write(text).close();
  const [root] = top.children;
  if (!root) throw new Error('has no root element');
  return root;
}

/** The children of that name, or none where there is no element. */
export function childrenOf(element: Element | undefined, name: string): readonly Element[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** Throws where the attribute is missing: the description is not in the format that is known. */
export function attribute(element: Element, name: string): string {
  const value = element.attributes[name];
  if (value === undefined) throw new Error(`<${element.name}> has no attribute \`${name}\``);
  return value;
}
