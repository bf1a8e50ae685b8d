import { readFileSync } from 'node:fs';
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import { makeComparisonPage } from '../../report/html/comparison-page.ts';
import { type PageAssets, renderHtml } from '../../report/html/render.ts';
import { type Evidence, makeRunPage } from '../../report/html/run-page.ts';
import type { RunReport } from '../../report/report.ts';

/** The name of a run's page in its folder. */
export const HTML_FILE = 'report.html';

/** The page of a run as the text of its file. */
export function runHtml(report: RunReport, evidence?: Evidence): string {
  return renderHtml(makeRunPage(report, evidence), readAssets());
}

/** The page of several runs as the text of its file. */
export function comparisonHtml(runs: Parameters<typeof makeComparisonPage>[0]): string {
  return renderHtml(makeComparisonPage(runs), readAssets());
}

/** Writes a page atomically. Throws ENVIRONMENT_FAILED and INTERRUPTED. */
export async function writeHtmlFile(path: string, html: string, signal: AbortSignal): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  const target = found === undefined ? path : await realpath(path);
  const partial = `${target}.${process.pid}.part`;
  const isFile = found?.isFile() ?? true; // a device or a pipe is written directly
  try {
    await writeFile(isFile ? partial : path, html, { signal });
    if (isFile) await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    if (signal.aborted) throw new OpenclawError('INTERRUPTED', `interrupted: ${path} was not written`);
    throw environmentFailed(
      `cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`,
      'choose a writable file: --html <file>',
      error,
    );
  }
}

/** The built `src/page/`. */
function readAssets(): PageAssets {
  return JSON.parse(
    readFileSync(new URL('../../report/html/page.json', import.meta.url), 'utf8'),
  ) as PageAssets;
}
