import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import { runOf } from '../../test/support/html.ts';
import { checkHistory } from '../checker/check.ts';
import { makeCheckDocument } from './check-report.ts';
import { compareReports, comparisonTable } from './comparison.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import type { RunReport } from './report.ts';
import { renderTable } from './table.ts';

const S = 1_000_000;
const PROMISE = 'fixed-window:2/4s:first';

/** Three admissions in a second, of two. A bucket of 2:1/100s would not have admitted them either. */
const HISTORY = historyOf(
  [10, 10.5, 11].map((atS): OperationPart => ({ invokedUs: atS * S, completedUs: atS * S })),
  { policy: '2:1/100s', header: { promise: PROMISE } },
);

function reportOf(changes: Partial<Pick<RunReport, 'strategy' | 'system'>> = {}): RunReport {
  return { ...runOf(HISTORY).report, ...changes };
}

describe('the report of a promise of windows', () => {
  it.each([
    ['terminal', (report: RunReport) => renderTable(report, { colour: false })],
    ['Markdown', (report: RunReport) => renderMarkdown(report).replaceAll('\\', '')],
  ] as const)('U12: names the promise and the limiter, and no policy: %s', (_, render) => {
    const text = render(reportOf({ strategy: 'plugin:mine.mjs' }));
    expect(text).toContain(`plugin:mine.mjs, promise ${PROMISE}`);
    expect(text).not.toMatch(/policy 2:1/);
  });

  it.each([
    ['terminal', (report: RunReport) => renderTable(report, { colour: false })],
    ['Markdown', (report: RunReport) => renderMarkdown(report).replaceAll('\\', '')],
    ['JUnit', renderJunit],
  ] as const)('U8: counts nothing as a token bucket would: %s', (_, render) => {
    const report = reportOf();
    expect(report.overAdmission.total).toBeGreaterThan(0);
    expect(render(report)).toContain(`promise ${PROMISE}`);
    expect(render(report)).not.toMatch(/^(## )?over-admission|excess|capacity/m);
  });

  it('U8: has the figures of a token bucket where a claim asks for them', () => {
    const report = reportOf();
    const [claim] = report.claims;
    if (claim === undefined) throw new Error('a run has claims');
    const asked = { ...report, claims: [{ ...claim, claim: 'total-excess <= 9' }] };
    expect(renderTable(asked, { colour: false })).toMatch(/total excess read as a token bucket .* tokens/);
    expect(renderTable(asked, { colour: false })).toMatch(/^over-admission: 1 bucket$/m);
  });

  it('U12: names services that ran already by their addresses', () => {
    const service = (port: number) =>
      reportOf({ strategy: 'external', system: `http://127.0.0.1:${port}/api` });
    expect(renderTable(service(80), { colour: false })).toContain(
      `run      http://127.0.0.1:80/api, promise ${PROMISE}; 3 requests`,
    );
    const { rows } = comparisonTable(compareReports([service(80), service(81)]));
    expect(rows).toContainEqual(['limiter', 'http://127.0.0.1:80/api', 'http://127.0.0.1:81/api', '']);
    expect(rows).toContainEqual(['limit', PROMISE, PROMISE, '']);
  });

  it('U12: of a history that was checked names the promise, too', () => {
    const facts = { command: 'openclaw-rl check', strategy: 'csv', seed: 1, initial: 'full' as const };
    const document = makeCheckDocument(
      { ...facts, policies: { '': '2:1/100s' } },
      checkHistory(HISTORY, { busiest: [] }),
    );
    expect(renderTable(document, { colour: false })).toContain(
      `promise  ${PROMISE}; initial level full; strategy csv`,
    );
  });
});
