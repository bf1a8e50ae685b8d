import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { OpenclawError } from '../core/errors.ts';
import { makeComparisonPage } from '../report/html/comparison-page.ts';
import { type PageAssets, renderHtml } from '../report/html/render.ts';
import { type Evidence, makeRunPage } from '../report/html/run-page.ts';
import type { RunReport } from '../report/report.ts';

/** What the page of a run is called in its folder. */
export const HTML_FILE = 'report.html';

/** The page of a run as the text of its file. */
export function runHtml(report: RunReport, evidence?: Evidence): string {
  return renderHtml(makeRunPage(report, evidence), readAssets());
}

/** The page of several runs as the text of its file. */
export function comparisonHtml(runs: Parameters<typeof makeComparisonPage>[0]): string {
  return renderHtml(makeComparisonPage(runs), readAssets());
}

/** Writes a page where somebody wants it. Throws ENVIRONMENT_FAILED. */
export async function writeHtmlFile(path: string, html: string): Promise<void> {
  await writeFile(path, html).catch((error: Error) => {
    throw new OpenclawError('ENVIRONMENT_FAILED', `cannot write ${path}: ${error.message}`, {
      cause: error,
      hint: 'name a file that can be written: --html <file>',
    });
  });
}

/** What the build made of `page/`, beside the renderer that needs it. */
function readAssets(): PageAssets {
  return JSON.parse(readFileSync(new URL('../report/html/page.json', import.meta.url), 'utf8')) as PageAssets;
}
