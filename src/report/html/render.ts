import type { PageData } from './page-data.ts';

/** What the build makes of `page/`: script and style of every page, and the hashes by which its policy lets them run. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
  /** As Content-Security-Policy has them: sha256-... */
  readonly scriptHash: string;
  readonly styleHash: string;
}

/**
 * A page as one file that needs nothing else: its data is JSON that no parser of HTML can leave, its policy allows this
 * script and this style and nothing from anywhere, and no text of it becomes markup.
 */
export function renderHtml(page: PageData, { script, style, scriptHash, styleHash }: PageAssets): string {
  const policy = [
    "default-src 'none'",
    `script-src '${scriptHash}'`,
    `style-src '${styleHash}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="referrer" content="no-referrer">',
    '<title>openclaw-rl report</title>',
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    '<noscript>This report is drawn by a script in this file. report.md beside it has the figures.</noscript>',
    '<main id="page"></main>',
    `<script type="application/json" id="data">${inScript(JSON.stringify(page))}</script>`,
    `<script>${script}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** JSON in which nothing can end the element that it is in, nor a line of an old parser of JavaScript. */
function inScript(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
