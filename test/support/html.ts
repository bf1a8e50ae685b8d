import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { examineHistory } from '../../src/checker/check.ts';
import type { History } from '../../src/history/history.ts';
import type { PageAssets } from '../../src/report/html/document.ts';
import type { PageData } from '../../src/report/html/page-data.ts';
import { renderHtml } from '../../src/report/html/render.ts';
import type { Evidence } from '../../src/report/html/run-page.ts';
import { makeReport, type RunReport } from '../../src/report/report.ts';
import { parseReport } from '../../src/report/schema.ts';

const ROOT = join(import.meta.dirname, '../..');
const KEPT = join(ROOT, 'test/fixtures/runs/central/report.json');

/** A run of this history, judged: its report and what its page is made of. */
export function runOf(
  history: History,
  changes: Partial<Pick<RunReport, 'command' | 'folder' | 'system'>> & { scenario?: string } = {},
): { report: RunReport; evidence: Evidence } {
  const examination = examineHistory(history, { busiest: [] });
  const { plan } = parseReport(readFileSync(KEPT, 'utf8'), KEPT);
  const { scenario = 'test', ...more } = changes;
  const report = makeReport({
    plan: { ...plan, scenario },
    command: 'openclaw-rl bench --seed 1',
    startedAt: '2026-11-25T00:00:00.000Z',
    folder: 'reports/20261125T000000000Z-test-1',
    system: 'redis 8.0.2, local processes',
    loadMs: 20_000,
    check: examination.report,
    latencies: [],
    ...more,
  });
  return { report, evidence: { history, examination } };
}

/** What the build made: these tests need it. */
function readAssets(): PageAssets {
  return JSON.parse(readFileSync(join(ROOT, 'dist/report/html/page.json'), 'utf8'));
}

/** Writes a page into a folder; gives its path. */
export function writePage(folder: string, page: PageData, name = 'report.html'): string {
  const path = join(folder, name);
  writeFileSync(path, renderHtml(page, readAssets()));
  return path;
}
