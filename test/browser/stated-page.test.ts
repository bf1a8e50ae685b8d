import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRunPage } from '../../src/report/html/run-page.ts';
import { chromiumPath, openPage, startChromium, withChromium } from '../support/chromium.ts';
import { testFolder } from '../support/cli.ts';
import { historyOf } from '../support/history.ts';
import { runOf, writePage } from '../support/html.ts';

const S = 1_000_000;

let browser: Browser;

describe.skipIf(chromiumPath === undefined)(
  `the page of a run that stated wrong values, in ${withChromium}`,
  { timeout: 60_000 },
  () => {
    beforeAll(async () => {
      browser = await startChromium();
    });
    afterAll(() => browser.close());

    it('has a sign where each was stated, in the legend too', async () => {
      const { report, evidence } = runOf(
        historyOf(
          [
            { invokedUs: S, stated: { remaining: 9 } },
            { invokedUs: 2 * S, stated: { remaining: 1 } },
            { invokedUs: 3 * S, cost: 2, outcome: 'denied', stated: { retryAfterS: 30 } },
          ],
          { policy: '2:1/10s' },
        ),
      );
      const shown = makeRunPage(report, evidence);
      expect(shown.buckets[0]?.violations.slice(-2)).toMatchObject([
        { at: 0, kind: 'dishonest', reason: 'remaining too high' },
        { kind: 'dishonest' },
      ]);
      const { page, problems } = await openPage(browser, writePage(testFolder(), shown));
      const legends = await page.locator('#buckets .legend').allInnerTexts();
      expect(legends[0]).toMatch(/■\s+stated a wrong value/);
      expect(legends[1]).toMatch(/violation/);
      expect(await page.locator('#bucket option').first().textContent()).toMatch(/2 wrong values/);
      const bar = page.locator('#buckets .u-over').last();
      const box = await bar.boundingBox();
      const details = page.locator('.operation-details');
      for (let x = 0; x < (box?.width ?? 0); x += 2) {
        await bar.hover({ position: { x, y: 4 }, force: true });
        if (/cannot be true/.test((await details.textContent()) ?? '')) break;
      }
      expect(await details.textContent()).toMatch(
        /^.0 allowed .*: what it states cannot be true \(remaining too high\)$/,
      );
      expect(problems).toEqual([]);
    });
  },
);
