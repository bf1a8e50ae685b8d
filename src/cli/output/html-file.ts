import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { makeComparisonPage } from '../../report/html/comparison-page.ts';
import type { PageAssets } from '../../report/html/document.ts';
import { renderHtml } from '../../report/html/render.ts';
import { type Evidence, makeRunPage } from '../../report/html/run-page.ts';
import { renderScoreboardHtml } from '../../report/html/scoreboard/scoreboard-page.ts';
import type { RunReport } from '../../report/report.ts';
import type { Scoreboard } from '../../report/scoreboard/scoreboard.ts';
import { placeFile } from '../files/write-file.ts';

/** The name of a run's page in its folder. */
export const HTML_FILE = 'report.html';

/** The page of a run as the text of its file. */
export function runHtml(report: RunReport, evidence?: Evidence): string {
  return renderHtml(makeRunPage(report, evidence), readAssets('page'));
}

/** The page of several runs as the text of its file. */
export function comparisonHtml(runs: Parameters<typeof makeComparisonPage>[0]): string {
  return renderHtml(makeComparisonPage(runs), readAssets('page'));
}

/** The page of a scoreboard as the text of its file. */
export function scoreboardHtml(board: Scoreboard): string {
  return renderScoreboardHtml(board, readAssets('scoreboard'));
}

/** Writes a page atomically. Throws ENVIRONMENT_FAILED and INTERRUPTED. */
export async function writeHtmlFile(path: string, html: string, signal: AbortSignal): Promise<void> {
  await placeFile(path, { signal, hint: 'choose a writable file: --html <file>' }, (unfinished) =>
    writeFile(unfinished, html, { signal }),
  );
}

/** The script and the style of a kind of page, built from `src/page/`. */
function readAssets(kind: 'page' | 'scoreboard'): PageAssets {
  return JSON.parse(
    readFileSync(new URL(`../../report/html/${kind}.json`, import.meta.url), 'utf8'),
  ) as PageAssets;
}
