import { type PageAssets, renderDocument } from './document.ts';
import type { PageData } from './page-data.ts';

/** A page that its script draws: its data is JSON that cannot end its element. */
export function renderHtml(page: PageData, assets: PageAssets): string {
  const body = [
    '<noscript>This report is drawn by a script in this file. report.md in the same folder has the figures.</noscript>',
    '<main id="page"></main>',
    `<script type="application/json" id="data">${inScript(JSON.stringify(page))}</script>`,
  ];
  return renderDocument({ title: 'openclaw-rl report', body }, assets);
}

/** Escapes JSON so that it cannot end its script element, or a line in an old JavaScript parser. */
function inScript(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
