/** The report as one self-contained page: no network, no script but its own. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { VirtshimError } from '../../errors.js';
import { packageFile } from '../../package_root.js';
import type { Timeline } from '../timeline.js';
import type { PageData } from './page_data.js';
import { type PageOptions, pageData } from './page_model.js';

export type { PageOptions, PageWords } from './page_model.js';

const PIECE = 500;

/**
 * The page, in pieces. What the logs say is data in it, never markup.
 * @throws VirtshimError VIRTSHIM_FILE where the package was built without the page's script
 */
export function* reportPage(timeline: Timeline, options: PageOptions): Generator<string> {
  const script = asset('page.js');
  const style = asset('page.css');
  const { entries, ...rest } = pageData(timeline, options);
  yield head(rest.title, style, script);
  yield `<script type="application/json" id="report">${jsonInHtml(rest).slice(0, -1)},"entries":[`;
  for (let at = 0; at < entries.length; at += PIECE) {
    const piece = entries
      .slice(at, at + PIECE)
      .map(jsonInHtml)
      .join(',\n');
    yield at === 0 ? piece : `,\n${piece}`;
  }
  yield `]}</script>\n<script>${script}</script>\n</body>\n</html>\n`;
}

function head(title: string, style: string, script: string): string {
  const policy = `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<noscript>This page draws its timeline with a script of its own, which the browser was told not to run.</noscript>
<div id="app"></div>
`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** JSON in which nothing ends the element that it stands in. */
function jsonInHtml(value: Omit<PageData, 'entries'> | PageData['entries'][number]): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function asset(name: string): string {
  const file = packageFile(`dist/report/page/${name}`);
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\``, {
      hint: 'npm run build makes it; the npm package has it',
      cause,
    });
  }
}
