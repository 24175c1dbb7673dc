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
const PECULIAR = /[\u0000-\u001f\ud800-\udfff\ufffe\uffff]|\]\]>/u;

const OTHER_ENTITY = /&(?!amp;|lt;|gt;|quot;)/;

/**
 * The element, where the line has the form that the writers give it: no white space but a space before each attribute,
 * double quotes, no comments, the four entities. Much faster than a parser of XML; undefined for all other lines.
 */
export function scanElement(line: string): Element | undefined {
  return PECULIAR.test(line) || OTHER_ENTITY.test(line) ? undefined : new Scanner(line).scan();
}

interface OpenElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: OpenElement[];
  text: string;
}

const DEEPEST = 16;
const SPACE = 0x20;
const SLASH = 0x2f;
const LESS_THAN = 0x3c;

class Scanner {
  readonly #open: OpenElement[] = [];
  /** Whether nothing has to be decoded. */
  readonly #verbatim: boolean;

  constructor(private readonly line: string) {
    this.#verbatim = !line.includes('&') && !line.includes('\\');
  }

  /** From tag to tag; undefined at the first thing that is of another form. */
  scan(): Element | undefined {
    const { line } = this;
    if (line.charCodeAt(0) !== LESS_THAN) return undefined;
    for (let at = 0; at !== -1; ) {
      const end = line.indexOf('>', at);
      const next = line.indexOf('<', at + 1);
      if (end === -1 || (next !== -1 && next < end)) return undefined;
      const closed = this.#tag(line.slice(at + 1, end));
      if (closed === undefined) return undefined;
      const top = this.#open.at(-1);
      if (top === undefined) return end === line.length - 1 ? closed : undefined;
      if (next > end + 1) top.text += line.slice(end + 1, next);
      at = next;
    }
    return undefined;
  }

  /** The element that the tag begins or ends; undefined where it does neither. */
  #tag(tag: string): OpenElement | undefined {
    if (tag.charCodeAt(0) === SLASH) return this.#close(tag.slice(1));
    const isEmpty = tag.charCodeAt(tag.length - 1) === SLASH;
    const end = isEmpty ? tag.length - 1 : tag.length;
    const space = tag.indexOf(' ');
    const nameEnd = space === -1 || space > end ? end : space;
    const name = tag.slice(0, nameEnd);
    const attributes = NAME.test(name) ? this.#attributes(tag, nameEnd, end) : undefined;
    if (attributes === undefined || this.#open.length === DEEPEST) return undefined;
    const element: OpenElement = { name, attributes, children: [], text: '' };
    this.#open.at(-1)?.children.push(element);
    if (!isEmpty) this.#open.push(element);
    return element;
  }

  #close(name: string): OpenElement | undefined {
    const element = this.#open.pop();
    if (element?.name !== name) return undefined;
    element.text = this.#decoded(element.text);
    return element;
  }

  #attributes(tag: string, from: number, end: number): Record<string, string> | undefined {
    const attributes: Record<string, string> = {};
    for (let at = from; at < end; ) {
      const equals = tag.indexOf('="', at);
      const quote = equals === -1 ? -1 : tag.indexOf('"', equals + 2);
      const name = tag.slice(at + 1, equals);
      if (quote === -1 || tag.charCodeAt(at) !== SPACE || !NAME.test(name) || name in attributes) return undefined;
      attributes[name] = this.#decoded(tag.slice(equals + 2, quote));
      at = quote + 1;
    }
    return attributes;
  }

  #decoded(text: string): string {
    if (this.#verbatim) return text;
    return unescapeValue(text.includes('&') ? text.replace(/&[a-z]+;/g, (entity) => ENTITIES[entity] ?? entity) : text);
  }
}

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

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
