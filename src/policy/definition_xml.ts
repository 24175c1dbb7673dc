/** What a definition calls its object: the elements directly under its root, or an attribute of the root. */
import { whenNeeded } from '../when_needed.js';

/** The text of the root's first child of that name; undefined where it has none, and where the shim would not read it. */
export function childText(xml: string, element: string): string | undefined {
  const { SaxesParser } = whenNeeded('saxes');
  const parser = new SaxesParser();
  let depth = 0;
  let text: string | undefined;
  let done = false;
  const stop = () => {
    [done, text] = [true, undefined];
  };
  parser.on('doctype', stop);
  parser.on('cdata', stop);
  parser.on('error', stop);
  parser.on('opentag', ({ name, attributes }) => {
    depth += 1;
    if (done || depth !== 2 || name !== element) return;
    if (Object.keys(attributes).length > 0) stop();
    else text = '';
  });
  parser.on('text', (more) => {
    if (!done && text !== undefined) text += more;
  });
  parser.on('closetag', () => {
    if (depth === 2 && text !== undefined) done = true;
    depth -= 1;
  });
  parser.write(xml).close();
  return text === '' || /[&<>\r]/.test(text ?? '') ? undefined : text;
}

/** The value of an attribute of the root; undefined where it has none, and where the shim would not read it. */
export function rootAttribute(xml: string, attribute: string): string | undefined {
  const { SaxesParser } = whenNeeded('saxes');
  const parser = new SaxesParser();
  let found: string | undefined;
  let trusted = true;
  let atRoot = true;
  parser.on('doctype', () => {
    trusted = false;
  });
  parser.on('error', () => {
    trusted = false;
  });
  parser.on('opentag', ({ attributes }) => {
    if (atRoot) found = attributes[attribute];
    atRoot = false;
  });
  parser.write(xml).close();
  return !trusted || found === '' || /[&\t\r\n]/.test(found ?? '') ? undefined : found;
}
