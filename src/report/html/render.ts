import type { PageData } from './page-data.ts';

/** The build of `src/page/`: script and style of every page, and their hashes for the content security policy. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
  /** In the form of Content-Security-Policy: sha256-... */
  readonly scriptHash: string;
  readonly styleHash: string;
}

/**
 * A page as one self-contained file: its data is JSON that cannot end its element, its policy allows only this script and
 * this style, and no text becomes markup.
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
    '<noscript>This report is drawn by a script in this file. report.md in the same folder has the figures.</noscript>',
    '<main id="page"></main>',
    `<script type="application/json" id="data">${inScript(JSON.stringify(page))}</script>`,
    `<script>${script}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** Escapes JSON so that it cannot end its script element, or a line in an old JavaScript parser. */
function inScript(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
