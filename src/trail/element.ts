/** XML elements of one line, with the records' escapes undone. */
import { whenNeeded } from '../when_needed.js';
import { unescapeValue } from './escape.js';

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  readonly text: string;
}

/** The element that the line is. Throws an Error that says what is wrong with it. */
export function parseElement(line: string): Element {
  return scanElement(line) ?? parseAnyElement(line);
}

/**
 * Characters that an XML parser would refuse, or that it would read in another way than they stand here: control
 * characters, halves of pairs, noncharacters, the end of a CDATA section.
 */
const PECULIAR = /[\u0000-\u001f\ud800-\udfff\ufffe\uffff]|\]\]>/;

/**
 * The element, where the line has the form that the writers give it: no white space but a space before each attribute,
 * double quotes, no comments, the four entities. Much faster than a parser of XML; undefined for all other lines.
 */
export function scanElement(line: string): Element | undefined {
  if (PECULIAR.test(line)) return undefined;
  const scanner = new Scanner(line);
  const element = scanner.element(0);
  return scanner.atEnd() ? element : undefined;
}

const DEEPEST = 16;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;

class Scanner {
  #at = 0;

  constructor(private readonly line: string) {}

  atEnd(): boolean {
    return this.#at === this.line.length;
  }

  /** Undefined, and not at the end, where the line is of another form. */
  element(depth: number): Element | undefined {
    if (depth > DEEPEST || !this.#take('<')) return undefined;
    const name = this.#name();
    const attributes = this.#attributes();
    if (name === '' || attributes === undefined) return this.#fail();
    if (this.#take('/>')) return { name, attributes, children: [], text: '' };
    if (!this.#take('>')) return this.#fail();
    const children: Element[] = [];
    let text = this.#text();
    while (text !== undefined && !this.#take('</')) {
      const child = this.element(depth + 1);
      if (child === undefined) return this.#fail();
      children.push(child);
      const more = this.#text();
      text = more === undefined ? undefined : text + more;
    }
    if (text === undefined || !this.#take(name) || !this.#take('>')) return this.#fail();
    return { name, attributes, children, text: plain(text) };
  }

  #fail(): undefined {
    this.#at = -1;
    return undefined;
  }

  #take(what: string): boolean {
    if (!this.line.startsWith(what, this.#at)) return false;
    this.#at += what.length;
    return true;
  }

  #name(): string {
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.line)?.[0] ?? '';
    this.#at += name.length;
    return name;
  }

  #attributes(): Record<string, string> | undefined {
    const attributes: Record<string, string> = {};
    while (this.#take(' ')) {
      const name = this.#name();
      if (name === '' || name in attributes || !this.#take('="')) return undefined;
      const end = this.line.indexOf('"', this.#at);
      const value = this.line.slice(this.#at, end);
      if (end === -1 || value.includes('<') || !isPlain(value)) return undefined;
      attributes[name] = plain(value);
      this.#at = end + 1;
    }
    return attributes;
  }

  /** Up to the next tag. */
  #text(): string | undefined {
    const end = this.line.indexOf('<', this.#at);
    if (end === -1) return undefined;
    const text = this.line.slice(this.#at, end);
    this.#at = end;
    return isPlain(text) ? text : undefined;
  }
}

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };
const OTHER_ENTITY = /&(?!amp;|lt;|gt;|quot;)/;

function isPlain(text: string): boolean {
  return !text.includes('&') || !OTHER_ENTITY.test(text);
}

function plain(text: string): string {
  const decoded = text.includes('&') ? text.replace(/&[a-z]+;/g, (entity) => ENTITIES[entity] ?? entity) : text;
  return unescapeValue(decoded);
}

interface OpenElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: OpenElement[];
  text: string;
}

/** Any well-formed element, by a parser of XML. */
export function parseAnyElement(line: string): Element {
  const top: OpenElement = { name: '', attributes: {}, children: [], text: '' };
  const open: OpenElement[] = [top];
  const { SaxesParser } = whenNeeded('saxes');
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    // saxes counts lines, which there is one of, and ends its sentences.
    throw new Error(error.message.replace(/^(?:\d+:)?(\d+): /, 'column $1: ').replace(/\.$/, ''));
  });
  parser.on('opentag', (tag) => {
    const element = { name: tag.name, attributes: unescapeAll(tag.attributes), children: [], text: '' };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  });
  parser.on('closetag', () => {
    const element = open.pop();
    if (element !== undefined) element.text = unescapeValue(element.text);
  });
  parser.write(line).close();
  const [root] = top.children;
  if (root === undefined) throw new Error('no element');
  return root;
}

function unescapeAll(attributes: Readonly<Record<string, unknown>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) result[name] = unescapeValue(String(value));
  return result;
}
