import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import { runOf } from '../../test/support/html.ts';
import { renderHtml } from './html/render.ts';
import { makeRunPage } from './html/run-page.ts';
import { judgeAgain } from './judge-again.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';

const S = 1_000_000;
const times = (count: number, part: OperationPart) =>
  Array.from({ length: count }, (): OperationPart => ({ completedUs: part.invokedUs ?? 0, ...part }));

/** 40 tokens and 1/s: 45 at once are 12.5 % too many. One denial is false, of 41 that an ideal bucket admits. */
const { report, evidence } = runOf(
  historyOf(
    [
      ...times(45, { invokedUs: 5 * S, bucket: 'over' }),
      ...times(40, { invokedUs: 5 * S, bucket: 'low' }),
      ...times(1, { invokedUs: 9 * S, bucket: 'low', outcome: 'denied' }),
    ],
    { policy: '40:1/s' },
  ),
);
const judged = judgeAgain({ ...report, claims: [] }, [
  'total-excess <= 10%',
  'worst-window <= 12.5%',
  'false-denials <= 0.1%',
  'total-excess <= 10% during cut',
]);
const [excess, window, denials, phase] = judged.claims.map(({ reason }) => reason);

describe('claims in percent', () => {
  it('have their numbers in the reason', () => {
    expect(excess).toMatch(/5 tokens, 12\.5% of the 40 tokens .*; measured 12\.5%, claimed at most 10%/);
    expect(window).toMatch(/5 tokens within 0\.000 s, 12\.5% of the 40 tokens .* \(at most 12\.5%\)$/);
    expect(denials).toMatch(/1, 2\.4% of the 41 requests .*, claimed at most 0\.1%/);
    expect(phase).toMatch(/^total-excess <= 10% during cut: the run has no such phase/);
  });

  it('are lines of Markdown', () => {
    const lines = renderMarkdown(judged)
      .replaceAll('\\', '')
      .split('\n')
      .filter((line) => line.startsWith('- **'));
    expect(lines.slice(0, 4)).toEqual([
      `- **broken** ${excess}`,
      `- **holds** ${window}`,
      `- **broken** ${denials}`,
      `- **unknown** ${phase?.replaceAll('<', '&lt;')}`,
    ]);
  });

  it('are test cases of JUnit, by the names that were asked', () => {
    const cases = renderJunit(judged).match(/<testcase [^>]*?(?:\/>|><(?:failure|error)[^>]*>)/g) ?? [];
    expect(cases.slice(0, 4)).toEqual([
      expect.stringMatching(
        /name="total-excess &lt;= 10%" time="0"><failure type="correctness" message="[^"]*12\.5% of the 40/,
      ),
      expect.stringMatching(/name="worst-window &lt;= 12\.5%" time="0"\/>$/),
      expect.stringMatching(/name="false-denials &lt;= 0\.1%" time="0"><failure [^>]*2\.4% of the 41/),
      expect.stringMatching(/name="total-excess &lt;= 10% during cut" time="0"><error type="correctness"/),
    ]);
  });

  it('are reasons of the page', () => {
    const page = makeRunPage(judged, evidence);
    expect(page.reasons.slice(0, 4)).toEqual([
      { status: 'broken', reason: excess },
      { status: 'holds', reason: window },
      { status: 'broken', reason: denials },
      { status: 'unknown', reason: phase },
    ]);
    const assets = { script: 'S', style: 'C', scriptHash: 'sha256-s', styleHash: 'sha256-c' };
    expect(renderHtml(page, assets)).toContain('measured 12.5%, claimed at most 10%');
  });
});
