/** The build of `src/page/`: script and style of a page, and their hashes for the content security policy. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
  /** In the form of Content-Security-Policy: sha256-... */
  readonly scriptHash: string;
  readonly styleHash: string;
}

/**
 * A page as one self-contained file. Its policy allows only this script and this style, and no text becomes markup.
 * Title and body are markup: their texts are escaped already.
 */
export function renderDocument(
  { title, body }: { readonly title: string; readonly body: readonly string[] },
  { script, style, scriptHash, styleHash }: PageAssets,
): string {
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
    `<title>${title}</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    ...body,
    `<script>${script}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}
